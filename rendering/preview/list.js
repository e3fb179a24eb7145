/* What there is to show, what is chosen of it, and the list on the left. */

const data = JSON.parse(document.getElementById("data").textContent);
const TABS = [
  ["message", "Message"],
  ["text", "Text"],
  ["links", "Links"],
  ["headers", "Headers"],
  ["why", "Why"],
  ["compare", "Compare"],
];
const FILTERS = [
  ["all", "All"],
  ["gets", "Gets it"],
  ["not", "Does not"],
  ["fallback", "Fallbacks"],
  ["problems", "Problems"],
];
if (data.before) FILTERS.push(["changed", "Changed"]);

const state = {
  campaign: "",
  person: "",
  variant: "",
  tab: "message",
  other: "",
  width: "both",
  scheme: "light",
  isFull: true,
  filter: "all",
  only: "",
  focus: "",
};
const $ = (id) => document.getElementById(id);
const address = (...parts) => `#/${parts.filter(Boolean).map(encodeURIComponent).join("/")}`;

/* An entry is a person in a campaign, with their messages of all variants; the one that they get comes first. */
const entries = data.campaigns.flatMap((campaign) =>
  campaign.people.map((person) => {
    const messages = campaign.messages.filter((each) => each.person_id === person.person_id);
    messages.sort((a, b) => (b.variant === person.variant) - (a.variant === person.variant));
    const sought = [
      campaign.name,
      campaign.title,
      nameOf(person),
      person.address,
      person.person_id,
      person.reason,
      ...messages.flatMap((each) => [each.subject, each.snippet, each.text]),
    ];
    return { campaign, person, messages, sought: sought.join("\n").toLocaleLowerCase() };
  }),
);

function isShown(entry) {
  const { person, messages } = entry;
  // Every word somewhere; what stands in quotation marks, as it stands.
  const wanted = (
    $("search")
      .value.toLocaleLowerCase()
      .match(/"[^"]+"|\S+/g) || []
  ).map((each) => each.replaceAll('"', ""));
  if (state.only && entry.campaign.name !== state.only) return false;
  if (state.filter === "gets" && person.standing !== "gets it") return false;
  if (state.filter === "not" && person.standing === "gets it") return false;
  if (state.filter === "fallback" && !messages.some((each) => each.tokens.some((token) => token.is_fallback)))
    return false;
  if (state.filter === "problems" && !messages.some(hasProblem) && !entry.campaign.problems.length) return false;
  if (state.filter === "changed" && !messages.some((each) => each.change === "changed" || each.change === "new"))
    return false;
  return wanted.every((word) => entry.sought.includes(word));
}

const hasProblem = (message) => message.problem !== null || message.html_bytes > data.budget;

function drawList() {
  const shown = entries.filter(isShown);
  const list = $("list");
  const groups = data.campaigns
    .filter((campaign) => !state.only || campaign.name === state.only)
    .map((campaign) => ({ campaign, own: shown.filter((entry) => entry.campaign === campaign) }))
    .filter(
      ({ campaign, own }) =>
        own.length ||
        (!$("search").value && state.filter === "all") ||
        (state.filter === "problems" && campaign.problems.length),
    );
  list.replaceChildren(
    ...groups.map(({ campaign, own }) =>
      el(
        "section",
        {},
        el(
          "h2",
          {},
          el(
            "a",
            { href: address(campaign.name), className: campaign.problems.length ? "has-problem" : "" },
            campaign.title,
          ),
          el("span", {}, campaign.audience.toLocaleString("en")),
        ),
        el(
          "ul",
          {},
          own.map((entry) => el("li", {}, item(entry))),
        ),
      ),
    ),
  );
  $("found").textContent =
    shown.length === entries.length ? `${entries.length} people` : `${shown.length} of ${entries.length} people`;
  markCurrent();
}

function item(entry) {
  const { campaign, person, messages } = entry;
  const changed = messages.some((each) => each.change === "changed") ? badge("changed", "held") : null;
  const broken = messages.some(hasProblem) ? badge("problem", "bad") : null;
  const subject = messages.length && messages[0].subject;
  return el(
    "a",
    {
      href: address(campaign.name, person.person_id),
      className: "item",
      dataset: { key: `${campaign.name}/${person.person_id}` },
    },
    el("span", {
      className: `dot ${STANDINGS[person.standing]}`,
      title: person.standing,
      role: "img",
      "aria-label": person.standing,
    }),
    el("span", { className: "who" }, el("span", { className: "name", dir: "auto" }, nameOf(person)), changed, broken),
    el("span", { className: "subject", dir: "auto" }, subject || "Cannot be rendered"),
    el("span", { className: "address" }, `${person.address} · ${person.person_id.slice(0, 6)}`),
  );
}

function markCurrent() {
  for (const link of $("list").querySelectorAll("a.item")) {
    const isCurrent = link.dataset.key === `${state.campaign}/${state.person}`;
    if (isCurrent) link.setAttribute("aria-current", "true");
    else link.removeAttribute("aria-current");
    if (isCurrent) link.scrollIntoView({ block: "nearest" });
  }
}
