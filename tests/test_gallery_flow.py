"""Where crops lie: as laying them out one by one would put them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from app.gallery.flow import Flow


@st.composite
def flows(draw):
    sizes = draw(st.lists(st.integers(1, 30), max_size=6))
    columns, cell, heading = draw(st.integers(1, 7)), draw(st.integers(5, 40)), draw(st.integers(1, 50))
    starts = [sum(sizes[:place]) for place in range(len(sizes))]
    grouped = draw(st.booleans()) and bool(sizes)
    return (
        Flow(sum(sizes), columns, cell, heading, starts if grouped else ()),
        sizes if grouped else [sum(sizes)],
        grouped,
    )


def by_hand(flow, sizes, grouped):
    """(column, top) of every row, and the tops of headings."""
    places, headings, y = [], [], 0
    for size in sizes:
        headings.append(y)
        y += flow.heading if grouped else 0
        places += [(place % flow.columns, y + place // flow.columns * flow.cell) for place in range(size)]
        y += -(-size // flow.columns) * flow.cell
    return places, headings, y


@given(flows())
def test_places_and_what_is_at_a_place(made):
    flow, _, grouped = made
    places, headings, height = by_hand(*made)
    assert flow.height == height
    assert [flow.place(row) for row in range(flow.count)] == places
    for row, (column, top) in enumerate(places):
        for y in (top, top + flow.cell - 1):
            assert flow.row_at(column, y) == row
            assert flow.group_at(y) is None
    for group, top in enumerate(headings if grouped else []):
        assert flow.heading_top(group) == top
        for y in (top, top + flow.heading - 1):
            assert flow.group_at(y) == group
            assert flow.row_at(0, y) is None
    assert flow.row_at(0, height) is None
    assert flow.row_at(0, -1) is None


@given(flows(), st.integers(-50, 900), st.integers(1, 400))
def test_what_touches_a_stretch(made, top, height):
    flow, _, grouped = made
    places, headings, _ = by_hand(*made)
    touching = [row for row, (_, y) in enumerate(places) if y < top + height and y + flow.cell > top]
    first, last = flow.in_sight(top, height)
    assert list(range(first, last + 1)) == touching
    touched = [g for g, y in enumerate(headings) if grouped and y < top + height and y + flow.heading > top]
    assert list(flow.headings_in_sight(top, height)) == touched


@given(flows(), st.data())
def test_a_step_of_lines_keeps_its_column(made, data):
    flow, _, _ = made
    if not flow.count:
        return
    places, _, _ = by_hand(*made)
    tops = sorted({y for _, y in places})
    row, lines = data.draw(st.integers(0, flow.count - 1)), data.draw(st.integers(-8, 8))
    column, top = places[row]
    wanted = tops.index(top) + lines
    found = flow.stepped(row, lines)
    if wanted < 0 or wanted >= len(tops):
        assert found == (0 if wanted < 0 else flow.count - 1)
    else:
        in_line = [r for r, (_, y) in enumerate(places) if y == tops[wanted]]
        assert found == in_line[min(column, len(in_line) - 1)]
