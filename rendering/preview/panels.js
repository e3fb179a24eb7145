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
const STANDINGS = { "gets it": "good", waits: "held", "held out": "held", outside: "out" };

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
      el(
        "thead",
        {},
        el(
          "tr",
          {},
          heads.map((head) => el("th", { scope: "col" }, head)),
        ),
      ),
      el(
        "tbody",
        {},
        rows.map((row) =>
          el(
            "tr",
            {},
            row.map((cell) => el("td", {}, cell)),
          ),
        ),
      ),
    ),
  );
}

function card(title, ...children) {
  return el("section", { className: "card" }, el("h2", {}, title), ...children);
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
    {
      className: `inbox ${kind}`,
      role: "img",
      "aria-label": `In the list of messages: ${campaign.sender.name}, ${message.subject}, ${message.snippet}`,
    },
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
    el(
      "span",
      {
        className: "bar",
        role: "meter",
        "aria-label": "Size of the HTML",
        "aria-valuemin": 0,
        "aria-valuemax": budget,
        "aria-valuenow": message.html_bytes,
      },
      bar,
    ),
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
        el(
          "figcaption",
          {},
          kind === "desktop" ? "Desktop" : "Phone",
          el("span", {}, `${WIDTHS[kind]} px, ${state.scheme}`),
        ),
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
      el(
        "span",
        { className: "asked" },
        asked.map((part) => el("code", {}, part)),
      ),
    );
  };
  const rows = view.message.links.map((link, at) => [
    String(at + 1),
    link.label || "nothing that is seen",
    shown(link.address),
  ]);
  const pictures = view.message.pictures_count;
  return [
    table("Links of the message", ["#", "Text", "Address"], rows) || el("p", { className: "empty" }, "No link."),
    el(
      "p",
      { className: "note" },
      pictures
        ? `${pictures} pictures are fetched when it is read; placeholders stand for them here.`
        : "It has no picture to fetch.",
    ),
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
    table(
      "Headers of the message",
      ["Header", "Value"],
      rows.map(([name, value]) => [el("code", {}, name), el("span", { className: "address" }, value)]),
    ),
    el(
      "p",
      { className: "note" },
      "The ids and signed links are the preview's own: they name no message that anybody gets.",
    ),
  ];
}
