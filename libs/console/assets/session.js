// The token of this tab. It is kept until the tab is closed, in no other place, and goes to no
// other server.

const KEY = "openassay.token";

/// For browsers that keep nothing.
let memory = null;

/// The token, or null.
export function token() {
  try {
    return sessionStorage.getItem(KEY) ?? memory;
  } catch {
    return memory;
  }
}

/// Keeps a token, or forgets it when it is empty.
export function setToken(text) {
  memory = text || null;
  try {
    if (text) sessionStorage.setItem(KEY, text);
    else sessionStorage.removeItem(KEY);
  } catch {
    // The memory of this page is enough until it is loaded again.
  }
}
