"use strict";

/* What differs between two texts: the longest common subsequence, their common beginning and end set aside. */

const MOST_CELLS = 4e6;

function differences(before, after) {
  let start = 0;
  while (start < before.length && start < after.length && before[start] === after[start]) start++;
  let endBefore = before.length;
  let endAfter = after.length;
  while (endBefore > start && endAfter > start && before[endBefore - 1] === after[endAfter - 1]) {
    endBefore--;
    endAfter--;
  }
  const same = (parts) => parts.map((text) => ({ kind: "same", text }));
  return [
    ...same(before.slice(0, start)),
    ...middle(before.slice(start, endBefore), after.slice(start, endAfter)),
    ...same(before.slice(endBefore)),
  ];
}

function middle(before, after) {
  const gone = (text) => ({ kind: "gone", text });
  const added = (text) => ({ kind: "added", text });
  // Two long texts with nothing in common are told as such: a table of all pairs would not fit.
  if (before.length * after.length > MOST_CELLS) return [...before.map(gone), ...after.map(added)];
  const width = after.length + 1;
  const lengths = new Uint16Array((before.length + 1) * width);
  for (let i = before.length - 1; i >= 0; i--) {
    for (let j = after.length - 1; j >= 0; j--) {
      lengths[i * width + j] =
        before[i] === after[j]
          ? lengths[(i + 1) * width + j + 1] + 1
          : Math.max(lengths[(i + 1) * width + j], lengths[i * width + j + 1]);
    }
  }
  const found = [];
  let i = 0;
  let j = 0;
  while (i < before.length && j < after.length) {
    if (before[i] === after[j]) {
      found.push({ kind: "same", text: before[i] });
      i++;
      j++;
    } else if (lengths[(i + 1) * width + j] >= lengths[i * width + j + 1]) found.push(gone(before[i++]));
    else found.push(added(after[j++]));
  }
  return [...found, ...before.slice(i).map(gone), ...after.slice(j).map(added)];
}

/* Words with the space behind them, so that what differs in a row is told in one piece. */
const words = (text) => text.match(/\s*\S+\s*/g) || [];

/* A text without what differs in every message: the signatures of its links. */
const unsigned = (text) =>
  text
    .replace(/\/(unsubscribe|preferences)\/[\w-]+/g, "/$1/…")
    .replace(/\bm=preview-[\w.-]+/g, "m=…")
    .replace(/preview-[0-9a-f]{32}[\w.-]*/g, "preview-…");

/* Lines of HTML, for people: a break before each element that opens. */
const sourceLines = (html) =>
  unsigned(html)
    .split(/(?=<(?!\/))/)
    .map((line) => line.trim())
    .filter(Boolean);
