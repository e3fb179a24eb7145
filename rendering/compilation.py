"""Jinja templates compiled: their constants folded, their cards cut out."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jinja2 import nodes, pass_context

from rendering.campaign import Campaign
from rendering.cards import Card, runs
from rendering.filling import Filling
from rendering.folding import CARD, cards, fold, scoped
from rendering.sandbox import Sandbox


def compile_source(env: Sandbox, campaign: Campaign, source: str) -> Any:
    """A Jinja template of `source` with its constants folded and its cards cut out. Raises Jinja's errors."""
    tree = parsed(env, campaign, source)
    return compiled(env, scoped(tree.body, tree))


def parsed(env: Sandbox, campaign: Campaign, source: str) -> nodes.Template:
    """`source` with its constants folded and its cards cut out. Raises Jinja's errors."""
    tree = env.parse(source)
    constants = {
        "postal_address": campaign.postal_address,
        "sender_name": campaign.sender.name,
        "website": campaign.website,
    }
    tree = fold(tree, constants)
    for node in list(cards(tree)):
        _cut_out(env, node)
    return tree


def _cut_out(env: Sandbox, node: nodes.If) -> None:
    """Puts in the place of a card's parts a filter that fills them in, or what is kept of them."""
    assert isinstance(node.test, nodes.Filter) and isinstance(node.test.node, nodes.Name)
    record = node.test.node
    node.test = nodes.Const(True, lineno=node.lineno, environment=env)
    cut = runs(node.body, record.name)
    if cut is None:
        return
    fill = [_filling(env, list(run.nodes), record.name, node) for run in cut]
    name = f"{CARD}_{len(env.filters)}"
    env.filters[name] = pass_context(Card(cut, fill, env.put_out))
    call = nodes.Filter(record, name, [], [], None, None, lineno=node.lineno)
    output = nodes.Output([call], lineno=node.lineno)
    output.set_environment(env)
    node.body = [output]


def _filling(env: Sandbox, body: list[nodes.Node], record: str, like: nodes.Node) -> Callable[[Filling, Any], str]:
    render = compiled(env, scoped(body, like)).root_render_func

    def filled(context: Filling, value: Any) -> str:
        # The message itself reads no value of this name: its loops set it.
        context.parent[record] = value
        return "".join(render(context))

    return filled


def compiled(env: Sandbox, tree: nodes.Template) -> Any:
    """The tree as a template."""
    return env.template_class.from_code(env, env.compile(tree), {}, None)
