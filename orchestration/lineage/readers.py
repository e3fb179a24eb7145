"""What reads dbt's tables from outside dbt: campaigns, models and the report, each by its own query."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator

from ml import churn, lifetime
from orchestration import report, training
from orchestration.delivery import complaints, planner, revoked
from orchestration.delivery.suppression_lists import syncing
from orchestration.experiments import outcomes, planning
from orchestration.journeys import funnel
from orchestration.lineage.project import Reader
from orchestration.models import health
from orchestration.segments import observing
from orchestration.webhooks import changes as webhooks
from rendering.campaign import Campaign
from rendering.decisions import columns_used
from rendering.derived import sources
from rendering.errors import PredicateError
from rendering.parts import Rule
from rendering.payload import MESSAGE_FIELDS
from rendering.tokens import WRITING_FIELDS

# The columns of churn's examples beside its features: whose they are, when, and what came of it.
_CHURN_KEYS = (*churn.KEYS, "is_in_population")


def all_readers(campaigns: Iterable[Campaign]) -> list[Reader]:
    """Every reader outside dbt. One that is not here is told to dbt as an exposure, which reads whole tables."""
    sending = Reader("sending", revoked.REVOKED_SQL, exposure="mailing")
    alerts = Reader("alerts", complaints.COMPLAINTS_SQL, exposure="mailing")
    lacking = Reader("SendGrid's suppressions", syncing.LACKING_SQL, exposure="mailing")
    return [*_campaigns(campaigns), sending, alerts, lacking, *_models(), *_reports(), *_segments(), *_webhooks()]


def _campaigns(campaigns: Iterable[Campaign]) -> Iterator[Reader]:
    for campaign in campaigns:
        name = f"campaign {campaign.name}"
        wanted = dict.fromkeys(MESSAGE_FIELDS, "message") | dict.fromkeys(WRITING_FIELDS, "writing of values")
        wanted |= dict.fromkeys(("not_before", "expires_at", "quiet_hours"), "planning")
        wanted |= {field: f"token {token}" for token in campaign.tokens for field in sources(token)}
        if campaign.uses_recommendations:
            wanted["recommendations"] = "recommendations"
        # The rules stand in the planner's query too; alone, each says by its name who uses a column.
        sql = planner.records_sql(dataclasses.replace(campaign, slots={}))
        yield Reader(name, sql, wanted, exposure="mailing")
        for slot, rules in campaign.slots.items():
            for rule in rules:
                if rule.when is not None:
                    yield _rule(name, slot, rule)


def _rule(campaign: str, slot: str, rule: Rule) -> Reader:
    try:
        columns = sorted(columns_used(rule.when or ""))
    except PredicateError:  # lint says what is wrong with it; in doubt, it reads all
        return Reader(campaign, "select * from core.profiles", exposure="mailing")
    words = f"rule {rule.name} of {slot}"
    listed = ", ".join(f"p.{column}" for column in columns) or "1"
    return Reader(campaign, f"select {listed} from core.profiles as p", dict.fromkeys(columns, words), "mailing")


def _models() -> Iterator[Reader]:
    wanted = dict.fromkeys(_CHURN_KEYS, "example") | dict.fromkeys(churn.FEATURES, "feature")
    for sql in (training.CHURN_EXAMPLES, training.CHURN_PEOPLE):
        yield Reader("model churn", sql, wanted, exposure="churn_model")
    summed_up = dict.fromkeys((*lifetime.COLUMNS, "cutoff"), "summary") | dict.fromkeys(lifetime.OUTCOMES, "outcome")
    yield Reader("model lifetime", training.LIFETIME_SUMMARIES, summed_up, exposure="lifetime_model")
    for sql in (health.DRIFT_SQL, health.DECAY_SQL):
        yield Reader("model churn", sql, exposure="churn_model")
    for sql in (training.ACTS, training.ACTS_SUMMARY, training.PRODUCTS):
        yield Reader("model recommendations", sql, exposure="recommendation_models")


def _reports() -> Iterator[Reader]:
    for sql in (outcomes.OUTCOMES_SQL, *planning.queries()):
        yield Reader("experiments", sql)
    for sql in (*report.queries(), funnel.FUNNEL_SQL):
        yield Reader("report", sql)


def _webhooks() -> Iterator[Reader]:
    for sql in (webhooks.CHANGES_SQL, webhooks.PEOPLE_SQL):
        yield Reader("webhooks", sql)


def _segments() -> Iterator[Reader]:
    for sql in (observing.DUE, observing.FOLLOWS, *observing.CHANGES_OF_FEW.values()):
        yield Reader("history of segments", sql)
