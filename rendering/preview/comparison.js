/* Two messages side by side, and what differs between them. */

function marked(parts, separator) {
  const tags = { same: "span", gone: "del", added: "ins" };
  return parts.map((part) => el(tags[part.kind], {}, part.text + separator));
}

function lineDifferences(before, after) {
  const parts = differences(before.split("\n"), after.split("\n"));
  const lines = [];
  for (let at = 0; at < parts.length; at++) {
    const part = parts[at];
    const next = parts[at + 1];
    if (part.kind === "gone" && next && next.kind === "added" && (at === 0 || parts[at - 1].kind !== "gone")) {
      lines.push(el("div", { className: "changed" }, marked(differences(words(part.text), words(next.text)), "")));
      at++;
    } else lines.push(el("div", { className: part.kind }, part.kind === "same" ? part.text || " " : marked([part], "")));
  }
  return lines;
}

function comparePanel(view, other, state, onChoose) {
  const choice = el(
    "select",
    { id: "other" },
    other.groups.map((group) => el("optgroup", { label: group.label }, group.options.map((each) => el("option", { value: each.key, selected: each.key === other.key }, each.label)))),
  );
  choice.addEventListener("change", () => onChoose(choice.value));
  const bar = el("p", { className: "choice" }, el("label", { for: "other" }, "Compare with "), choice);
  if (!other.view) return [bar, el("p", { className: "empty" }, "There is nothing to compare this message with.")];
  const [was, is] = [other.view.message, view.message];
  const same = was.html === is.html || other.view.html === view.html;
  return el(
    "div",
    { className: "compare" },
    bar,
    el("p", { className: "legend" }, el("del", {}, other.label), " ", el("ins", {}, "this message")),
    same && was.subject === is.subject && was.text === is.text ? el("p", { className: "empty" }, "Both are the same, letter by letter.") : null,
    el(
      "div",
      { className: "devices" },
      [[other.label, other.view], ["This message", view]].map(([label, each]) =>
        el("figure", { className: "stand phone" }, el("figcaption", {}, label), inbox("phone", each), frame("phone", each.html, state, `${label}, on a phone`)),
      ),
    ),
    card("Subject", el("p", { className: "differences", dir: "auto" }, marked(differences(words(was.subject), words(is.subject)), ""))),
    card("Beginning, as lists show it", el("p", { className: "differences", dir: "auto" }, marked(differences(words(was.snippet), words(is.snippet)), ""))),
    factsCard(was, is, other.label),
    card("Text", el("pre", { className: "text differences", tabIndex: 0 }, lineDifferences(was.text, is.text))),
    sourceCard(other.view.html, view.html),
  );
}

function factsCard(was, is, label) {
  const facts = (message) =>
    new Map([
      ...message.slots.map((slot) => [`slot ${slot.name}`, `${slot.rules.find((rule) => rule.state === "won").name}: block ${slot.block}`]),
      ...message.tokens.map((token) => [token.name, token.is_fallback ? `${token.value} (fallback)` : token.value]),
      ...message.products.map((product) => [`product ${product.rank}`, `${product.name}, ${product.price}: ${product.reason}`]),
      ["HTML", `${message.html_bytes.toLocaleString("en")} bytes`],
    ]);
  const [left, right] = [facts(was), facts(is)];
  const names = [...new Set([...left.keys(), ...right.keys()])].filter((name) => left.get(name) !== right.get(name));
  const rows = names.map((name) => [el("code", {}, name), el("del", {}, left.get(name) || "–"), el("ins", {}, right.get(name) || "–")]);
  return card("Decisions and fields", table("Decisions and fields that differ", ["What", label, "This message"], rows) || el("p", { className: "note" }, "All the same."));
}

function sourceCard(was, is) {
  const [before, after] = [sourceLines(was), sourceLines(is)];
  const parts = differences(before, after);
  const changed = parts.filter((part) => part.kind !== "same").length;
  const shown = parts.filter((part, at) => part.kind !== "same" || [at - 1, at + 1].some((near) => parts[near] && parts[near].kind !== "same"));
  return card(
    "HTML",
    el(
      "details",
      {},
      el("summary", {}, changed ? `${changed} elements differ` : "The same but for signed addresses"),
      el("pre", { className: "text differences", tabIndex: 0 }, shown.map((part) => el("div", { className: part.kind }, marked([part], "")))),
    ),
  );
}
