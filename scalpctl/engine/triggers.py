"""Where the stop of a position belongs, as things stand."""

from __future__ import annotations

from decimal import Decimal

from scalpctl.core import protection
from scalpctl.engine.desk import Desk, Holding


def wanted_trigger(desk: Desk, holding: Holding) -> Decimal:
    """Give where the stop belongs: a distance from the average price, or the trailing stop where that is tighter.

    A trailing stop that the market has passed is for the exit rules: the exchange refuses it, again and again.
    """
    fresh = protection.trigger(desk.instrument, holding.side, _measured_from(desk, holding), desk.rules.protection)
    trail = holding.chain.trail_stop
    if trail is None:
        return fresh
    trail = desk.instrument.stop_trigger(trail, holding.side)
    if desk.mark is not None and _is_passed(trail, Decimal(desk.mark.price_text), holding):
        return fresh
    return max(fresh, trail) if holding.side.sign > 0 else min(fresh, trail)


def _is_passed(trigger: Decimal, mark: Decimal, holding: Holding) -> bool:
    return (mark - trigger) * holding.side.sign <= 0


def _measured_from(desk: Desk, holding: Holding) -> Decimal:
    """Give the price a stop is measured from: the average, or the mark where a close is late and it was passed.

    A position that is only protected may have lost more than that before anybody here knew of it; its stop is to guard
    what is left, not to close it at once: it is measured from the worse of the two, and follows the price back.
    """
    average = holding.position.average_price
    if desk.mark is None:
        return average
    mark = Decimal(desk.mark.price_text)
    if not holding.managed:
        return min(average, mark) if holding.side.sign > 0 else max(average, mark)
    if holding.close is None:
        return average
    fresh = protection.trigger(desk.instrument, holding.side, average, desk.rules.protection)
    return mark if _is_passed(fresh, mark, holding) else average
