// The way to the server: its interface, asked for once, and calls with the token of this tab.

import { RpcError, faultOfHttp, unreachable } from "./faults.js";
import { Messages } from "./messages.js";
import { Client } from "./rpc.js";
import { token } from "./session.js";

/// A client of the server that the page came from.
export async function connect() {
  let response;
  try {
    response = await fetch("/console/schema.json", { cache: "no-cache" });
  } catch {
    throw unreachable();
  }
  if (!response.ok) throw faultOfHttp(response.status, await response.text());
  try {
    return new Client(new Messages(await response.json()), { token });
  } catch {
    throw new RpcError("INTERNAL", "The description of the interface cannot be read.");
  }
}
