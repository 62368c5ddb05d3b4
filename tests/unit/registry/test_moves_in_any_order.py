"""Whatever people and runs do in whatever order, whoever is faster, whoever dies: the history is whole and true."""

from collections.abc import Callable
from contextlib import suppress
from typing import Literal

from hypothesis import assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from gyre.errors import Conflict, GyreError, Invalid, NotFound
from gyre.registry.moves import promote, restore, retire, rollback, withdraw
from gyre.registry.releases import ALIASES, MOST_EARLIER, Move, Pointer, history, pointer_if_any, releases, resolve
from gyre.registry.traffic import send_traffic
from gyre.registry.version import model_version
from tests.unit.registry.house import ANNA, BEN, Died, Meddled, registered

Trouble = Literal["none", "faster", "dies before the history", "dies before the pointer"]
VERSIONS = st.integers(1, 4)
EXPECTED = st.sampled_from([None, None, None, None, 0, 1, 2, 3])
SHARES = st.sampled_from([0.0, 0.1, 0.5, 1.0])
TROUBLES = st.sampled_from(["none", "none", "none", "faster", "dies before the history", "dies before the pointer"])


class Releases(RuleBasedStateMachine):
    """`made` are the moves that were answered with success."""

    def __init__(self) -> None:
        super().__init__()
        self.artifacts = Meddled()
        self.made: list[Move] = []
        self.broken: dict[int, bytes] = {}
        self.versions = 0

    @initialize()
    def three_versions(self) -> None:
        for _ in range(3):
            self.a_training()

    @rule()
    def all_are_released(self) -> None:
        """A past that a rollback can lead back to."""
        for version in range(1, self.versions + 1):
            self.tries(lambda version=version: promote("wine", version, self.artifacts, ANNA), "none")

    @precondition(lambda self: self.versions < 4)
    @rule()
    def a_training(self) -> None:
        self.versions += 1
        registered("wine", self.versions, self.artifacts)

    @rule(version=VERSIONS)
    def a_bundle_breaks(self, version: int) -> None:
        assume(version <= self.versions and version not in self.broken)
        key = f"{model_version('wine', version, self.artifacts).bundle.key}manifest.json"
        self.broken[version] = self.artifacts.read(key).content
        self.artifacts.put(key, b"{}")

    @rule(version=VERSIONS)
    def a_bundle_is_mended(self, version: int) -> None:
        assume(version in self.broken)
        key = f"{model_version('wine', version, self.artifacts).bundle.key}manifest.json"
        self.artifacts.put(key, self.broken.pop(version))

    @rule(version=VERSIONS, alias=st.sampled_from(["production", "production", "challenger"]), trouble=TROUBLES,
          expected=EXPECTED)  # fmt: skip
    def promotes(self, version: int, alias: str, trouble: Trouble, expected: int | None) -> None:
        now = self.now
        was = (now.version("production") or 0) if now else 0
        already = now is not None and now.version(alias) == version
        done = self.tries(
            lambda: promote("wine", version, self.artifacts, ANNA, alias=alias, expected=expected), trouble
        )
        if done and not already:
            assert version <= self.versions and version not in self.broken
            assert now is None or version not in now.retired
            assert expected in (None, was)
            assert done.version(alias) == version

    @rule(trouble=TROUBLES)
    def rolls_back(self, trouble: Trouble) -> None:
        now = self.now
        done = self.tries(lambda: rollback("wine", self.artifacts, ANNA), trouble)
        if now and done:
            there = [
                each.version for each in now.earlier
                if each.version not in (*now.retired, *self.broken, now.version("production"))
            ]  # fmt: skip
            assert done.version("production") == there[-1]
            assert len(done.earlier) < len(now.earlier)

    @rule(version=VERSIONS, share=SHARES, shadow=SHARES, trouble=TROUBLES)
    def sends_traffic(self, version: int, share: float, shadow: float, trouble: Trouble) -> None:
        now = self.now
        done = self.tries(lambda: send_traffic("wine", version, share, shadow, self.artifacts, ANNA), trouble)
        if done:
            found = done.traffic
            assert ((found.share, found.shadow) if found else (0, 0)) == (share, shadow)
            assert done.version("challenger") == version != done.version("production")
            assert done.version("production") or not found
            if now is None or done.revision != now.revision:
                assert version not in self.broken
            assert now is None or version not in now.retired

    @rule(trouble=TROUBLES)
    def withdraws(self, trouble: Trouble) -> None:
        self.tries(lambda: withdraw("wine", self.artifacts, ANNA), trouble)

    @rule(version=VERSIONS, trouble=TROUBLES)
    def retires(self, version: int, trouble: Trouble) -> None:
        self.tries(lambda: retire("wine", version, self.artifacts, ANNA), trouble)

    @rule(version=VERSIONS, trouble=TROUBLES)
    def restores(self, version: int, trouble: Trouble) -> None:
        self.tries(lambda: restore("wine", version, self.artifacts, ANNA), trouble)

    @property
    def now(self) -> Pointer | None:
        found = pointer_if_any("wine", self.artifacts)
        return found[0] if found else None

    def tries(self, move: Callable[[], Pointer], trouble: Trouble) -> Pointer | None:
        """A move with or without trouble just before it writes; what it answers, if it was made."""
        before = self.now
        overtaken: list[Pointer] = []

        def faster() -> None:
            with suppress(GyreError):
                overtaken.append(promote("wine", 1, self.artifacts, BEN))

        def dies() -> None:
            raise Died

        if trouble != "none":
            prefix = "moves/" if trouble == "dies before the history" else "releases/"
            self.artifacts.before(prefix, faster if trouble == "faster" else dies)
        try:
            done = move()
        except Died:
            assert self.now == before
            return None
        except (Conflict, Invalid, NotFound):
            if overtaken and overtaken[0] != before:
                self.made.append(overtaken[0].last)
            assert self.now == (overtaken[0] if overtaken else before)
            return None
        finally:
            self.artifacts._before.clear()
        assert done == self.now
        if before is None or done.revision != before.revision:
            assert not overtaken or overtaken[0] == before
            self.made.append(done.last)
        return done

    @invariant()
    def the_history_is_whole(self) -> None:
        told = list(history("wine", self.artifacts))[::-1]
        assert told == self.made
        assert [each.revision for each in told] == list(range(1, len(told) + 1))
        assert (self.now.revision if self.now else 0) == len(told)

    @invariant()
    def the_history_replays_to_what_is(self) -> None:
        aliases: dict[str, int] = {}
        earlier: list[int] = []
        retired: set[int] = set()
        shares: tuple[float, float] | None = None
        for move in self.made:
            assert move.alias is None or move.before == aliases.get(move.alias)
            on_trial = aliases.get("challenger")
            match move.action, move.alias, move.version:
                case "promote", "production", int(version):
                    earlier = [*earlier, *([move.before] if move.before else [])][-MOST_EARLIER:]
                    aliases |= {"production": version, "champion": version}
                case "rollback", _, int(version):
                    while earlier.pop() != version:
                        pass
                    aliases |= {"production": version, "champion": version}
                case "promote", "challenger", int(version):
                    aliases["challenger"] = version
                case "traffic", "challenger", int(version):
                    aliases["challenger"] = on_trial = version
                    shares = (move.share or 0, move.shadow or 0) if move.share or move.shadow else None
                case "withdraw", _, None:
                    del aliases["challenger"]
                case "retire", None, int(version):
                    retired.add(version)
                case "restore", None, int(version):
                    retired.remove(version)
                case other:
                    raise AssertionError(other)
            if aliases.get("challenger") == aliases.get("production"):
                aliases.pop("challenger", None)
            if aliases.get("challenger") != on_trial:
                shares = None
        now = self.now
        assert {name: each.version for name, each in now.aliases.items()} == aliases if now else not self.made
        if now:
            assert ([each.version for each in now.earlier], set(now.retired)) == (earlier, retired)
            assert (now.traffic and (now.traffic.share, now.traffic.shadow)) == shares

    @invariant()
    def what_serves_exists_and_is_not_retired(self) -> None:
        now = self.now
        for alias in ALIASES:
            if now and (released := now.aliases.get(alias)):
                made = model_version("wine", released.version, self.artifacts)
                assert released.bundle == made.bundle
                assert released.version not in now.retired
                assert resolve("wine", alias, self.artifacts) == released.version
        assert now is None or now.traffic is None or {"production", "challenger"} <= set(now.aliases)
        serving = now.version("production") if now else None
        assert [each.version for each in releases(self.artifacts)] == ([serving] if serving else [])


Releases.TestCase.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
TestReleases = Releases.TestCase
