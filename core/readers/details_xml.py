"""Decides how XML becomes a tree of names and values: in bounded time and memory, and as far as it is whole."""

from __future__ import annotations

import io
from dataclasses import dataclass, field

from core.readers.details import MOST_DEPTH, Budget, Detail, cut

_TITLES = ("Name", "Id", "ID")


@dataclass
class _Node:
    name: str
    attributes: tuple[tuple[str, str], ...] = ()
    children: list[Detail] = field(default_factory=list)

    def told(self, text: str) -> Detail:
        """Its text, or what it is called; attributes first."""
        if self.attributes and not text:
            given = dict(self.attributes)
            text = next((given[title] for title in _TITLES if given.get(title)), "")
        return Detail(self.name, cut(text), (*(Detail(name, cut(v)) for name, v in self.attributes), *self.children))


def xml_tree(name: str, xml: bytes, budget: Budget) -> Detail:
    """The document as children of `name`. Entities and external references are refused; damage ends the tree early."""
    from xml.etree.ElementTree import ParseError

    from defusedxml.common import DefusedXmlException
    from defusedxml.ElementTree import iterparse

    stack, depth, trouble = [_Node(name)], 0, ""
    try:
        for event, element in iterparse(io.BytesIO(xml), ("start", "end"), forbid_dtd=True):
            if event == "start":
                depth += 1
                if depth <= MOST_DEPTH:
                    if not budget.take():
                        break
                    given = tuple((_local(key), value) for key, value in element.attrib.items())
                    budget.left -= len(given)
                    stack.append(_Node(_local(element.tag), given))
            else:
                if depth <= MOST_DEPTH:
                    node = stack.pop()
                    stack[-1].children.append(node.told((element.text or "").strip()))
                depth -= 1
                element.clear()
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        trouble = f"damaged from here on ({error})"
    while len(stack) > 1:  # what was cut short
        node = stack.pop()
        stack[-1].children.append(node.told(""))
    if trouble:
        stack[0].children.append(Detail("Damage", cut(trouble)))
    return Detail(name, "", tuple(stack[0].children))


def _local(tag: object) -> str:
    return str(tag).rsplit("}", 1)[-1]
