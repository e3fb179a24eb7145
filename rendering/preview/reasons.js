/* Why this person sees this. */

function whyPanel(view) {
  const { campaign, message, person } = view;
  const own = person.variant && campaign.variants.length ? ` Their own variant is ${spoken(person.variant)}.` : "";
  const shows = person.shows.length
    ? el(
        "ul",
        { className: "tags", "aria-label": "Chosen to show" },
        person.shows.map((each) => el("li", {}, spoken(each))),
      )
    : null;
  return el(
    "div",
    { className: "why" },
    card(
      "Who",
      el(
        "p",
        {},
        badge(person.standing, STANDINGS[person.standing]),
        ` ${nameOf(person)} (${person.address}): ${spoken(person.reason)}.${own}`,
      ),
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
            el(
              "p",
              {},
              el("strong", {}, spoken(rule.name)),
              el("span", { className: "state" }, told[rule.state]),
              el(
                "span",
                { className: "count" },
                `${count(rule).toLocaleString("en")} of ${campaign.audience.toLocaleString("en")} recipients`,
              ),
            ),
            el("code", { className: "sql" }, rule.when || "otherwise"),
            el("p", { className: "note" }, "block ", el("code", {}, rule.block)),
          ),
        ),
      ),
    ),
    table(
      `Fields that the rules of ${slot.name} read`,
      ["Field", "Value"],
      slot.fields.map(([name, value]) => [
        el("code", {}, name),
        el("span", { className: value === "nothing" ? "none" : "" }, value),
      ]),
    ),
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
  const rows = message.products.map((each) => [
    String(each.rank),
    each.name,
    each.price,
    spoken(each.list),
    each.reason,
    el("code", {}, each.model_version),
  ]);
  return card("Products", table("Products", ["Rank", "Product", "Price", "List", "Reason", "Model version"], rows));
}
