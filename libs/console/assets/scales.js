// Axes: where ticks stand and how values become places.

/// Round numbers from low to high, about so many.
export function ticks(low, high, about) {
  const span = high - low;
  if (!(span > 0)) return [low];
  const rough = span / Math.max(1, about);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((one) => one * power).find((one) => one >= rough);
  const found = [];
  for (let at = Math.ceil(low / step); at * step <= high * (1 + 1e-12); at += 1) {
    found.push(Number((at * step).toPrecision(12)));
  }
  return found;
}

/// Powers of ten from low to high; every second or third one where they are many.
export function powers(low, high, about) {
  const from = Math.ceil(Math.log10(low) - 1e-9);
  const to = Math.floor(Math.log10(high) + 1e-9);
  const step = Math.max(1, Math.ceil((to - from + 1) / about));
  const found = [];
  for (let power = to; power >= from; power -= step) found.unshift(10 ** power);
  return found;
}

const SCALES = {
  log: { to: Math.log10, ticks: powers },
  sqrt: { to: Math.sqrt, ticks: (low, high, about) => ticks(low, high, about) },
  linear: { to: (value) => value, ticks },
};

/// A scale for heights from 0 (low) to 1 (high): `log`, `sqrt` or `linear`.
export function scale(name, low, high) {
  const { to, ticks: marks } = SCALES[name];
  const [bottom, top] = [to(low), to(high)];
  const span = top - bottom || 1;
  return {
    at: (value) => Math.min(1, Math.max(0, (to(Math.max(value, low)) - bottom) / span)),
    ticks: (about) => marks(low, high, about),
  };
}

/// The first place in a rising list whose value is not below this one.
export function lowerBound(values, value) {
  let [from, to] = [0, values.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if (values[middle] < value) from = middle + 1;
    else to = middle;
  }
  return from;
}

/// The place of the value that is nearest to this one in a rising list.
export function nearest(values, value) {
  const at = Math.min(lowerBound(values, value), values.length - 1);
  return at > 0 && value - values[at - 1] < values[at] - value ? at - 1 : at;
}
