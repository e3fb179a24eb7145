/* Two messages side by side, and what differs between them. */

function marked(parts) {
  const tags = { same: "span", gone: "del", added: "ins" };
  const runs = [];
  for (const part of parts) {
    const last = runs.at(-1);
    if (last && last.kind === part.kind) last.text += part.text;
    else runs.push({ ...part });
  }
  return runs.map((run) => el(tags[run.kind], {}, run.text));
}

const KEPT_LINES = 2;

/* Lines that were replaced by as many others are told word by word, the others as gone and added; of what is the same
   between them, the nearest lines are shown. */
function lineDifferences(before, after) {
  const parts = differences(before.split("\n"), after.split("\n"));
  const lines = [];
  for (let at = 0; at < parts.length;) {
    const same = [];
    while (at < parts.length && parts[at].kind === "same") same.push(el("div", {}, parts[at++].text || " "));
    if (same.length > 2 * KEPT_LINES + 1) {
      const [first, last] = [lines.length ? KEPT_LINES : 0, at < parts.length ? KEPT_LINES : 0];
      const left = same.length - first - last;
      same.splice(first, left, el("div", { className: "skipped" }, `${left} lines are the same`));
    }
    lines.push(...same);
    const block = [];
    while (at < parts.length && parts[at].kind !== "same") block.push(parts[at++]);
    const [gone, added] = ["gone", "added"].map((kind) => block.filter((part) => part.kind === kind));
    if (gone.length === added.length)
      gone.forEach((part, one) =>
        lines.push(el("div", { className: "changed" }, wordDifferences(part.text, added[one].text))),
      );
    else lines.push(...block.map((part) => el("div", { className: part.kind }, marked([part]))));
  }
  return lines;
}

const wordDifferences = (before, after) => marked(differences(words(before), words(after)));

function comparePanel(view, other, state, onChoose) {
  const choice = el(
    "select",
    { id: "other" },
    other.groups.map((group) =>
      el(
        "optgroup",
        { label: group.label },
        group.options.map((each) => el("option", { value: each.key, selected: each.key === other.key }, each.label)),
      ),
    ),
  );
  choice.addEventListener("change", () => onChoose(choice.value));
  const bar = el("p", { className: "choice" }, el("label", { for: "other" }, "Compare with "), choice);
  if (!other.view) return [bar, el("p", { className: "empty" }, "There is nothing to compare this message with.")];
  const [was, is] = [other.view.message, view.message];
  const same = unsigned(other.view.html) === unsigned(view.html);
  return el(
    "div",
    { className: "compare" },
    bar,
    same && was.subject === is.subject && unsigned(was.text) === unsigned(is.text)
      ? el("p", { className: "empty" }, "Both are the same, letter by letter.")
      : null,
    factsCard(was, is, other.label),
    el(
      "div",
      { className: "devices" },
      [
        [other.label, other.view],
        ["This message", view],
      ].map(([label, each]) =>
        el(
          "figure",
          { className: "stand phone" },
          el("figcaption", {}, label),
          inbox("phone", each),
          frame("phone", each.html, state, `${label}, on a phone`),
        ),
      ),
    ),
    card(
      "Text",
      el("pre", { className: "text differences", tabIndex: 0 }, lineDifferences(unsigned(was.text), unsigned(is.text))),
    ),
    sourceCard(other.view.html, view.html),
  );
}

function factsCard(was, is, label) {
  const facts = (message) =>
    new Map([
      ...message.slots.map((slot) => [
        `slot ${slot.name}`,
        `${slot.rules.find((rule) => rule.state === "won").name}: block ${slot.block}`,
      ]),
      ...message.tokens.map((token) => [token.name, token.is_fallback ? `${token.value} (fallback)` : token.value]),
      ...message.products.map((product) => [
        `product ${product.rank}`,
        `${product.name}, ${product.price}: ${product.reason}`,
      ]),
      ["HTML", `${message.html_bytes.toLocaleString("en")} bytes`],
    ]);
  const [left, right] = [facts(was), facts(is)];
  const names = [...new Set([...left.keys(), ...right.keys()])].filter((name) => left.get(name) !== right.get(name));
  const told = [
    ["subject", was.subject, is.subject],
    ["beginning", was.snippet, is.snippet],
  ]
    .filter(([, before, after]) => before !== after)
    .map(([name, before, after]) => [el("code", {}, name), ...oneSided(before, after)]);
  const rows = names.map((name) => [
    el("code", {}, name),
    el("del", {}, left.get(name) || "–"),
    el("ins", {}, right.get(name) || "–"),
  ]);
  const shown = table("What differs", ["What", label, "This message"], [...told, ...rows], "differing");
  return card("What differs", shown || el("p", { className: "note" }, "All the same."));
}

/* Each side of a text with what the other one has not. */
function oneSided(before, after) {
  const parts = differences(words(before), words(after));
  return ["gone", "added"].map((kind) =>
    el("span", { dir: "auto" }, marked(parts.filter((part) => part.kind === "same" || part.kind === kind))),
  );
}

function sourceCard(was, is) {
  const [before, after] = [sourceLines(was), sourceLines(is)];
  const parts = differences(before, after);
  const changed = parts.filter((part) => part.kind !== "same").length;
  const shown = parts.filter(
    (part, at) => part.kind !== "same" || [at - 1, at + 1].some((near) => parts[near] && parts[near].kind !== "same"),
  );
  return card(
    "HTML",
    el(
      "details",
      {},
      el("summary", {}, changed ? `${changed} elements differ` : "The same but for the signatures of links"),
      el(
        "pre",
        { className: "text differences", tabIndex: 0 },
        shown.map((part) => el("div", { className: part.kind }, marked([part]))),
      ),
    ),
  );
}
