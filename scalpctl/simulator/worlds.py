"""Market worlds: how prices wander. Seeded: the same seed gives the same prices, whoever trades."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, pi, sin
from random import Random

from scalpctl.simulator.specs import SPECS, Spec
from scalpctl.simulator.state import Candle, Market, State

STEP_US = 500_000
STEPS_PER_MINUTE = 60_000_000 // STEP_US
LEVELS = 10
HISTORY_MINUTES = 720
CANDLES_KEPT = 3_000
TRADES_KEPT = 500
NIGHT, LIQUID = "night", 200
"""The world in which tickers fall silent, and the trades a minute from which a market is liquid."""
_SCALE = (1 / STEPS_PER_MINUTE) ** 0.5


@dataclass(frozen=True, slots=True)
class Mood:
    """How a market moves for a while: drift and volatility as multiples of its temper, and pull to its anchor."""

    drift: float
    volatility: float
    pull: float
    swing: float
    """Size of the slow wave around the anchor, in usual minutes."""
    minutes: tuple[int, int]


MOODS: dict[str, Mood] = {
    "range": Mood(0.0, 1.2, 0.008, 1.8, (60, 180)),
    "trend": Mood(0.28, 0.8, 0.0, 1.2, (30, 90)),
    "chop": Mood(0.0, 1.9, 0.10, 3.0, (20, 60)),
    "crash": Mood(-2.6, 2.2, 0.0, 0.0, (6, 12)),
    "calm": Mood(0.0, 0.3, 0.05, 1.0, (20, 50)),
    "burst": Mood(1.8, 1.8, 0.0, 0.0, (5, 10)),
}
WORLDS: dict[str, tuple[tuple[str, ...], str]] = {
    "range": (("range",), "prices swing around an anchor; extremes return"),
    "trend": (("trend", "trend", "calm"), "long drifts with pauses, either way"),
    "chop": (("chop",), "large moves that lead nowhere"),
    "crash": (("range", "crash", "chop"), "a range that breaks: fast falls, then chop"),
    "squeeze": (("calm", "calm", "burst"), "quiet until it is not: bursts upwards"),
    "mixed": (("range", "trend", "chop", "calm", "range", "burst", "range", "crash"), "all of it, changing"),
    "night": (("range", "calm"), "hardly anybody trades: tickers fall silent for seconds or minutes, marks go on"),
}
"""The moods of each world, drawn from with equal chance, and what a person should expect."""


def make(world: str, seed: int, start: int, funding_every_s: int = 28_800) -> State:
    """Give a fresh exchange with some hours of history behind it."""
    state = State(world=world, seed=seed, now=start, markets={}, funding_every_s=funding_every_s)
    for spec in SPECS:
        state.markets[spec.inst_id] = _market(spec, world, seed, start, funding_every_s)
    return state


def _market(spec: Spec, world: str, seed: int, start: int, funding_every_s: int) -> Market:
    random = Random(f"{world}:{seed}:{spec.inst_id}:past")
    ticks = float(spec.price / spec.tick)
    begun = start - HISTORY_MINUTES * 60_000_000
    begun -= begun % 60_000_000
    every = funding_every_s * 1_000_000
    market = Market(
        inst_id=spec.inst_id, value=ticks, anchor=ticks, regime="", regime_until=0, direction=1, bid=int(ticks),
        ask=int(ticks) + spec.spread_ticks, last=int(ticks), mark=ticks, index=ticks, basis=0.0,
        sizes=[0.0] * (2 * LEVELS), funding_at=(start // every + 1) * every, funding_rate="0.0001",
        phase=random.uniform(0, 2 * pi),
    )  # fmt: skip
    _sizes(spec, market, random)
    now = begun
    while now < start:
        for _ in range(6):
            wander(spec, market, world, random, now, STEPS_PER_MINUTE // 6)
            candle(market, now, market.last, random.uniform(0.2, 2.0) * _usual_contracts(spec) / 6)
            now += 10_000_000
    market.day_open = market.candles[0].open
    market.day_high = max(one.high for one in market.candles)
    market.day_low = min(one.low for one in market.candles)
    return market


def _usual_contracts(spec: Spec) -> float:
    return spec.depth_usd * spec.trades_per_minute / 40 / float(spec.price * spec.ct_val)


def wander(spec: Spec, market: Market, world: str, random: Random, now: int, steps: int = 1) -> None:
    """Move a market's price on by some steps, and its spread with it."""
    _drift(spec, market, world, random, now, steps)
    _quote(spec, market, random)


def wander_unseen(spec: Spec, market: Market, world: str, random: Random, now: int) -> None:
    """Move what a market is worth, and its mark, while nobody quotes or trades."""
    _drift(spec, market, world, random, now, 1)
    _mark(market)


def silence(spec: Spec, market: Market, world: str, random: Random, now: int, *, traded: bool) -> None:
    """Let a market fall silent for a while, now and then; measured gaps of a night have a long tail."""
    if world == NIGHT:
        liquid = spec.trades_per_minute >= LIQUID
        if random.random() < (0.045 if liquid else 0.35):  # seeded
            market.silent_until = now + int(min(300.0, 5 * random.paretovariate(1.5)) * 1_000_000)
    elif spec.sparse and not traded and random.random() < 0.02:  # seeded
        market.silent_until = now + random.randint(2, 12) * 1_000_000


def _drift(spec: Spec, market: Market, world: str, random: Random, now: int, steps: int) -> None:
    if now >= market.regime_until:
        _change_mood(market, world, random, now)
    mood = MOODS[market.regime]
    usual = spec.minute_ratio
    minutes = steps / STEPS_PER_MINUTE
    market.phase += 2 * pi * minutes / 11.0 * (0.2 + 1.6 * random.random())
    wave = mood.swing * usual * sin(market.phase)
    goal = market.anchor * exp(wave)
    pull = mood.pull * 6 * minutes * (goal - market.value) if mood.pull else 0.0
    drift = mood.drift * usual * minutes * (market.direction if mood.drift > 0 else 1)
    noise = random.gauss(0.0, 1.0) * usual * mood.volatility * _SCALE * steps**0.5
    market.value = max(4.0, (market.value + pull) * exp(drift + noise + market.jump))
    market.jump = 0.0
    if not mood.pull:
        market.anchor = market.value


def _change_mood(market: Market, world: str, random: Random, now: int) -> None:
    moods = WORLDS.get(world, WORLDS["range"])[0]
    market.regime = random.choice(moods)  # seeded
    low, high = MOODS[market.regime].minutes
    market.regime_until = now + random.randint(low, high) * 60_000_000  # seeded
    market.direction = 1 if random.random() < 0.5 else -1  # seeded
    market.anchor = market.value
    if random.random() < 0.15:  # seeded
        market.jump = random.gauss(0.0, 1.5) * 0.001


def _quote(spec: Spec, market: Market, random: Random) -> None:
    """Set best bid and ask around the price; the spread widens now and then."""
    spread = spec.spread_ticks + (random.getrandbits(3) == 0) * spec.spread_ticks
    if market.thin:
        spread *= 20
    middle = market.value
    bid = int(middle - spread / 2 + 0.5)
    market.bid, market.ask = max(1, bid), max(2, bid + spread)
    if market.bid <= market.last <= market.ask and random.getrandbits(1):
        market.last = market.bid if random.getrandbits(1) else market.ask
    follow(market)


def follow(market: Market) -> None:
    """Bring last, index and mark after a market's best quotes."""
    if not market.bid <= market.last <= market.ask:
        market.last = market.bid if market.last > market.ask else market.ask
    _mark(market)


def _mark(market: Market) -> None:
    middle = market.value
    market.basis += 0.02 * (middle - market.index - market.basis)
    market.index += 0.2 * (middle - market.index)
    market.mark = market.index + market.basis


def breathe(spec: Spec, market: Market, random: Random) -> None:
    """Let the book's depth change a little."""
    _sizes(spec, market, random)
    market.sequence += 1


def _sizes(spec: Spec, market: Market, random: Random) -> None:
    usual = spec.depth_usd / (market.value * float(spec.tick) * float(spec.ct_val))
    if market.thin:
        usual *= 0.01
    lot = float(spec.lot)
    for level in range(2 * LEVELS):
        deep = 1.0 + 0.35 * (level % LEVELS)
        wanted = usual * deep * (0.4 + 1.2 * random.random())  # seeded
        market.sizes[level] = max(lot, round(wanted / lot) * lot)


def candle(market: Market, now: int, price: int, contracts: float) -> bool:
    """Fold a price into the running minute; True when that opened a new one, so that the one before is closed."""
    minute = now - now % 60_000_000
    candles = market.candles
    if candles and candles[-1].at == minute:
        running = candles[-1]
        running.high = max(running.high, price)
        running.low = min(running.low, price)
        running.close = price
        running.contracts += contracts
        return False
    candles.append(Candle(minute, price, price, price, price, contracts))
    if len(candles) > CANDLES_KEPT:
        del candles[: len(candles) - CANDLES_KEPT]
    return True
