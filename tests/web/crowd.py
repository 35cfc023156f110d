"""A floor for the console: what daemons would publish of some hundred agents, drawn from a seed."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import dataclass, field, replace
from itertools import count

from dialer.core.board import AgentRow, Board, CallRow, CampaignRow, Delay, Trend, TrunkRow, WindowRow
from dialer.core.call_quality import CallFigures
from dialer.store.base.connection import Store
from dialer.store.operators import calls, status

STATES = ("talking", "talking", "talking", "talking", "ringing", "ready", "ready", "wrapup", "paused")
CAMPAIGNS = ("spring-sale", "renewals", "survey")
TTL_S = 10.0


@dataclass
class Crowd:
    """Agents of one host, and their calls. `change` moves one of them on; `publish` says how all are."""

    store: Store
    agents: int
    seed: int = 1
    rows: list[AgentRow] = field(default_factory=list)
    numbers: count[int] = field(default_factory=lambda: count(1))

    def begin(self, now: float) -> None:
        """Everybody logged in some time before `now`."""
        chance = random.Random(self.seed)
        for i in range(self.agents):
            state = chance.choice(STATES)
            talks = chance.randrange(5, 60)
            self.rows.append(
                AgentRow(
                    f"{1001 + i}",
                    ("north", "south", "partner-a")[i % 3],
                    state,
                    now - chance.uniform(1, 400),
                    "lunch" if state == "paused" else "",
                    CAMPAIGNS[i % len(CAMPAIGNS)],
                    name=("Li Na", "Wang Wei", "Chen Jie", "Ana Souza", "Tom Fox")[i % 5],
                    logged_in_at=now - 7200,
                    talks=talks,
                    talk_s=talks * 95.0,
                    first_talk_at=now - 7000,
                    outcomes={"sale": talks // 9, "refused": talks // 3},
                )
            )

    def change(self, place: int, now: float) -> AgentRow:
        """An agent is in another state from now on."""
        row = self.rows[place]
        following = {"talking": "wrapup", "wrapup": "ready", "ready": "talking", "ringing": "talking"}
        self.rows[place] = replace(row, state=following.get(row.state, "ready"), since=now, reason="")
        return self.rows[place]

    def publish(self, now: float) -> Board:
        """Say how everybody is, as a daemon does."""
        board = self.board(now)
        calls.publish(self.store, board.host, self.calls(now), now=now, ttl_s=TTL_S)
        status.publish(self.store, board.host, board.to_wire(), now=now, ttl=TTL_S)
        return board

    def calls(self, now: float) -> list[CallRow]:
        """One for each who talks."""
        return [
            CallRow(
                f"19a2f3c41d0-7b1e-{place:06}",
                row.campaign,
                f"L{place}",
                f"138****{place:04}",
                "talking",
                row.since - 9,
                row.since - 1,
                row.since,
                row.agent,
                "north",
            )
            for place, row in enumerate(self.rows)
            if row.state == "talking"
        ]

    def board(self, now: float) -> Board:
        """The whole host."""
        talking = sum(row.state == "talking" for row in self.rows)
        return Board(
            host="dial-1",
            version="0.1.0",
            at=now,
            started_at=now - 7200,
            state="running",
            redis_healthy=True,
            spooled=0,
            lines_used=2 * talking,
            lines_total=max(400, 3 * talking),
            workers=100,
            worker_restarts=0,
            pacing_late=0,
            anomalies=0,
            trunks=(
                TrunkRow("north", talking, 300, 4, 10.0, 0, 0.0, quality=CallFigures(500, 140, 9, 2.1, 5.0, {})),
                TrunkRow("south", 0, 200, 0, 5.0, 7, 44.0, "seven calls in a row were given back with 503"),
            ),
            campaigns=tuple(self._campaign(name) for name in CAMPAIGNS),
            agents=tuple(self.rows),
            agent_s={"talking": 6000.0, "wrapup": 1500.0, "ready": 2100.0, "paused": 700.0},
        )

    def _campaign(self, name: str) -> CampaignRow:
        own = Counter(row.state for row in self.rows if row.campaign == name)
        abandoned = {"spring-sale": 21, "renewals": 26, "survey": 30}[name]
        return CampaignRow(
            name=name,
            state="paused" if name == "survey" else "running",
            mode="predictive",
            sentence=f"dial 3: {own['ready']} ready, 14 ringing, the next call would be abandoned with 1.2 %",
            max_abandon_rate=0.03,
            leads_held=50,
            answered=967,
            abandoned=abandoned,
            due=12_045,
            waiting=830,
            overdue=2 if name == "renewals" else 0,
            attempts=3120,
            agents=dict(own),
            calls={"ringing": 14, "talking": own["talking"]},
            dispositions={"connected": 967, "no_answer": 1600, "busy": 210, "unreachable": 90},
            refusals={"hours": 120, "cap": 44},
            hand_over=Delay(870, 3.2, 12.4, 40.0),
            answer_to_agent=Delay(870, 412.0, 1310.0, 1900.0),
            windows=(
                WindowRow("calendar_day", "today", 0.03, 967, abandoned),
                WindowRow("rolling", "30 days", 0.03, 24_000, 300),
            ),
            trend=Trend((180, 220, 240, 260, 250, 270, 300, 280, 310, 290, 305, 300), (60,) * 12, (1,) * 12),
        )
