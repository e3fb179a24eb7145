/* The panels of one message. Everything that a person's data can say is put in as text, never as markup. */

function el(tag, props, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(props || {})) {
    if (name === "dataset") Object.assign(made.dataset, value);
    else if (name.includes("-") || name === "role" || name === "for") made.setAttribute(name, value);
    else made[name] = value;
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

const spoken = (name) => name.replaceAll("_", " ");
const kilobytes = (bytes) => `${(bytes / 1024).toFixed(bytes < 10240 ? 1 : 0)} KB`;
const nameOf = (person) => person.first_name || "No first name";
const initial = (text) => (Array.from(text.trim())[0] || "·").toUpperCase();
const STANDINGS = { "gets it": "good", "held out": "held", outside: "out" };

function badge(text, kind) {
  return el("span", { className: `badge ${kind}` }, text);
}

function table(caption, heads, rows, className) {
  if (!rows.length) return null;
  return el(
    "div",
    { className: "scroll", tabIndex: 0, role: "region", "aria-label": caption },
    el(
      "table",
      { className: className || "" },
      el("caption", { className: "visually-hidden" }, caption),
      el("thead", {}, el("tr", {}, heads.map((head) => el("th", { scope: "col" }, head)))),
      el("tbody", {}, rows.map((row) => el("tr", {}, row.map((cell) => el("td", {}, cell))))),
    ),
  );
}

function card(title, ...children) {
  return el("section", { className: "card" }, el("h3", {}, title), ...children);
}

/* As lists of messages show it: one line at a desk, three on a phone, whatever is too long cut off. */
function inbox(kind, view) {
  const { campaign, message } = view;
  const face = el("span", { className: "face", "aria-hidden": "true" }, initial(campaign.sender.name));
  const sender = el("span", { className: "sender" }, campaign.sender.name);
  const subject = el("span", { className: "subject", dir: "auto" }, message.subject);
  const snippet = el("span", { className: "snippet", dir: "auto" }, message.snippet);
  const time = el("span", { className: "time" }, "9:41");
  return el(
    "div",
    { className: `inbox ${kind}`, role: "img", "aria-label": `In the list of messages: ${campaign.sender.name}, ${message.subject}, ${message.snippet}` },
    face,
    kind === "desktop"
      ? [sender, el("span", { className: "line" }, subject, el("span", { className: "dash" }, " – "), snippet), time]
      : el("div", { className: "lines" }, el("div", { className: "first" }, sender, time), subject, snippet),
  );
}

function sizeMeter(message, budget) {
  const share = message.html_bytes / budget;
  const level = share > 1 ? "over" : share > 0.8 ? "near" : "fine";
  const bar = el("span", { className: "fill" });
  bar.style.width = `${Math.min(100, share * 100)}%`;
  return el(
    "div",
    { className: `meter ${level}`, title: "Gmail cuts a message off at 102 KB, and the provider's links add to it." },
    el("span", { className: "bar", role: "meter", "aria-label": "Size of the HTML", "aria-valuemin": 0, "aria-valuemax": budget, "aria-valuenow": message.html_bytes }, bar),
    el("span", {}, `${kilobytes(message.html_bytes)} of ${kilobytes(budget)}`),
  );
}

function messagePanel(view, state) {
  const kinds = state.width === "both" ? ["desktop", "phone"] : [state.width];
  return el(
    "div",
    { className: "devices" },
    kinds.map((kind) =>
      el(
        "figure",
        { className: `stand ${kind}` },
        el("figcaption", {}, kind === "desktop" ? "Desktop" : "Phone", el("span", {}, `${WIDTHS[kind]} px, ${state.scheme}`)),
        inbox(kind, view),
        frame(kind, view.html, state, `The message on a ${kind}, ${state.scheme}`),
      ),
    ),
  );
}

function textPanel(view) {
  return el("pre", { className: "text", dir: "auto", tabIndex: 0 }, view.message.text);
}

function linksPanel(view) {
  const shown = (address) => {
    const at = address.indexOf("?");
    if (at < 0) return el("span", { className: "address" }, address);
    const asked = address.slice(at + 1).split("&");
    return el(
      "span",
      { className: "address" },
      address.slice(0, at),
      el("span", { className: "asked" }, asked.map((part) => el("code", {}, part))),
    );
  };
  const rows = view.message.links.map((link, at) => [String(at + 1), link.label || "no text", shown(link.address)]);
  const pictures = view.message.pictures_count;
  return [
    table("Links of the message", ["#", "Text", "Address"], rows) || el("p", { className: "empty" }, "No link."),
    el("p", { className: "note" }, pictures ? `${pictures} pictures are fetched when it is read; placeholders stand for them here.` : "It has no picture to fetch."),
  ];
}

function headersPanel(view) {
  const { campaign, message, person } = view;
  const rows = [
    ["From", `${campaign.sender.name} <${campaign.sender.email}>`],
    ["To", person.address],
    ...(campaign.sender.reply_to ? [["Reply-To", campaign.sender.reply_to]] : []),
    ["Subject", message.subject],
    ...message.headers,
  ];
  return [
    table("Headers of the message", ["Header", "Value"], rows.map(([name, value]) => [el("code", {}, name), el("span", { className: "address" }, value)])),
    el("p", { className: "note" }, "The ids and signed links are the preview's own: they name no message that anybody gets."),
  ];
}

function whyPanel(view) {
  const { campaign, message, person } = view;
  const own = person.variant && campaign.variants.length ? ` Their own variant is ${spoken(person.variant)}.` : "";
  const shows = person.shows.length ? el("ul", { className: "tags", "aria-label": "Chosen to show" }, person.shows.map((each) => el("li", {}, spoken(each)))) : null;
  return el(
    "div",
    { className: "why" },
    card(
      "Who",
      el("p", {}, badge(person.standing, STANDINGS[person.standing]), ` ${nameOf(person)} (${person.address}): ${spoken(person.reason)}.${own}`),
      shows ? el("p", { className: "note" }, "Chosen because nobody before showed") : null,
      shows,
    ),
    message.slots.map((slot) => slotCard(slot, campaign)),
    tokensCard(message, campaign),
    productsCard(message),
  );
}

function slotCard(slot, campaign) {
  const told = { won: "shown", passed: "does not hold", unreached: "not asked" };
  const sign = { won: "✓", passed: "✕", unreached: "·" };
  const count = (rule) => countOf(campaign, "slot", slot.name, rule.name);
  return card(
    `Slot ${spoken(slot.name)}`,
    el(
      "ol",
      { className: "rules" },
      slot.rules.map((rule) =>
        el(
          "li",
          { className: rule.state },
          el("span", { className: "sign", "aria-hidden": "true" }, sign[rule.state]),
          el(
            "div",
            {},
            el("p", {}, el("strong", {}, spoken(rule.name)), el("span", { className: "state" }, told[rule.state]), el("span", { className: "count" }, `${count(rule).toLocaleString("en")} of ${campaign.audience.toLocaleString("en")} recipients`)),
            el("code", { className: "sql" }, rule.when || "otherwise"),
            el("p", { className: "note" }, "block ", el("code", {}, rule.block)),
          ),
        ),
      ),
    ),
    table(`Fields that the rules of ${slot.name} read`, ["Field", "Value"], slot.fields.map(([name, value]) => [el("code", {}, name), el("span", { className: value === "nothing" ? "none" : "" }, value)])),
  );
}

function countOf(campaign, kind, name, value) {
  const found = campaign.outcomes.find((each) => each.kind === kind && each.name === name && each.value === value);
  return found ? found.people : 0;
}

function tokensCard(message, campaign) {
  const rows = message.tokens.map((token) => [
    el("code", {}, token.name),
    el("span", { dir: "auto" }, token.value === "" ? "an empty text" : token.value),
    token.is_fallback ? badge("fallback", "held") : badge("own value", "good"),
    `${countOf(campaign, "token", token.name, "fallback").toLocaleString("en")} recipients get the fallback`,
  ]);
  return rows.length ? card("Fields used", table("Fields used", ["Field", "Value", "From", "Of all"], rows)) : null;
}

function productsCard(message) {
  if (!message.products.length) return null;
  const rows = message.products.map((each) => [String(each.rank), each.name, each.price, spoken(each.list), each.reason, el("code", {}, each.model_version)]);
  return card("Products", table("Products", ["Rank", "Product", "Price", "List", "Reason", "Model version"], rows));
}

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

function overviewPanel(campaign) {
  const facts = campaign.sender
    ? el("p", {}, `${campaign.audience.toLocaleString("en")} people get it today (${campaign.occurrence}), purpose ${spoken(campaign.purpose)}${campaign.segments.length ? `, from ${campaign.segments.map(spoken).join(", ")}` : ""}.`)
    : null;
  const kinds = [["slot", "Rules by outcome"], ["token", "Fields by outcome"]];
  return [
    facts,
    campaign.problems.length ? el("section", { className: "card problem" }, el("h3", {}, "It may not leave"), el("ul", {}, campaign.problems.map((each) => el("li", {}, each)))) : null,
    kinds.map(([kind, title]) => {
      const outcomes = campaign.outcomes.filter((each) => each.kind === kind);
      if (!outcomes.length) return null;
      return card(title, el("ul", { className: "outcomes" }, outcomes.map((each) => outcome(each, campaign))));
    }),
    campaign.nobody.length ? card("Nobody shows", el("ul", { className: "tags" }, campaign.nobody.map((each) => el("li", {}, spoken(each)))), el("p", { className: "note" }, "Nobody with an address who did not ask to be left alone, in the audience or out of it.")) : null,
  ];
}

function outcome(each, campaign) {
  const share = campaign.audience ? each.people / campaign.audience : 0;
  const bar = el("span", { className: "fill" });
  bar.style.width = `${share * 100}%`;
  const words = `${spoken(each.name)}: ${spoken(each.value)}`;
  const shower = campaign.people.find((person) => person.shows.includes(`${each.name}: ${each.value}`));
  const label = shower ? el("a", { href: address(campaign.name, shower.person_id) }, words) : words;
  return el("li", {}, el("span", { className: "label" }, label), el("span", { className: "bar", "aria-hidden": "true" }, bar), el("span", { className: "count" }, each.people ? each.people.toLocaleString("en") : "only outside the audience"));
}
