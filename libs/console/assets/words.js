// Numbers, times and names as people read them.

const LANES = { LANE_TRAIN: "Training", LANE_IDENTIFY: "Identification", LANE_EXPLAIN: "Explanation" };

const compact = new Intl.NumberFormat("en", { notation: "compact", maximumSignificantDigits: 3 });

/// A lane.
export const laneWords = (lane) => LANES[lane] ?? "Job";

const DETECTORS = { dime: "DIME", energy: "Energy", softmax: "Softmax" };

/// A gate's detector.
export const detectorWords = (name) => DETECTORS[name] ?? name;

/// The last part of an enumeration's name: JOB_STATE_RUNNING to running.
export const stateWords = (state) => String(state).split("_").pop().toLowerCase();

/// A number with so many digits that count; very small and large ones with an exponent.
export function number(value, digits = 3) {
  if (!Number.isFinite(value)) return "not a number";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e-3 && size < 1e6) {
    return minus(value.toLocaleString("en", { maximumSignificantDigits: digits }));
  }
  const [mantissa, exponent] = value.toExponential(digits - 1).split("e");
  return minus(`${mantissa} × 10${superscript(Number(exponent))}`);
}

/// A number with so many digits behind the point, for those that stand below each other or add up.
export function fixed(value, digits = 3) {
  if (!Number.isFinite(value)) return "not a number";
  const text = value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return minus(Number(value.toFixed(digits)) === 0 ? text.replace("-", "") : text);
}

/// The same with its sign.
export const signed = (value, digits = 3) =>
  (Number(value.toFixed(digits)) > 0 ? "+" : "") + fixed(value, digits);

/// A number at a tick of an axis: short, powers of ten as such.
export function tick(value) {
  if (value > 0 && value < 1e-3) {
    const [mantissa, exponent] = value.toExponential(2).split("e");
    const factor = Number(mantissa) === 1 ? "" : `${Number(mantissa)}·`;
    return `${factor}10${superscript(Number(exponent))}`;
  }
  return value >= 1e4 ? minus(compact.format(value)) : number(value, 3);
}

/// A whole number, also a large one.
export const whole = (value) => value.toLocaleString("en");

/// A share from 0 to 1.
export function percent(share) {
  const value = 100 * share;
  if (value > 0 && value < 0.1) return "<\u00a00.1\u00a0%";
  if (value > 99.9 && value < 100) return ">\u00a099.9\u00a0%";
  return `${value.toFixed(1)}\u00a0%`;
}

/// A span of time.
export function duration(seconds) {
  if (seconds < 0.001) return "< 1 ms";
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 120) return `${number(seconds)} s`;
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`;
  return `${number(seconds / 3600)} h`;
}

/// A moment in the reader's own time, from milliseconds since 1970.
export function moment(milliseconds) {
  const time = Number(milliseconds);
  if (time === 0) return "";
  const options = { dateStyle: "medium", timeStyle: "medium" };
  return new Intl.DateTimeFormat(undefined, options).format(new Date(time));
}

/// So many of something.
export const count = (many, one, more = `${one}s`) => `${whole(many)} ${many === 1 ? one : more}`;

/// JSON set out over lines; text that is none stays as it is.
export function laidOut(json) {
  try {
    return JSON.stringify(JSON.parse(json), null, 2);
  } catch {
    return json;
  }
}

/// JSON, or null where it is none.
export function parsed(json) {
  try {
    return JSON.parse(json);
  } catch {
    return null;
  }
}

const minus = (text) => text.replace(/-/g, "−");

function superscript(value) {
  const digits = "⁰¹²³⁴⁵⁶⁷⁸⁹";
  return String(value).replace(/-/g, "⁻").replace(/\d/g, (digit) => digits[Number(digit)]);
}
