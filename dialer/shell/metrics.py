"""The Prometheus endpoint. Gauges and counters are read off the newest `Board`, delays are observed as calls end."""

from __future__ import annotations

import platform
from collections.abc import Iterator, Mapping, Sequence

from prometheus_client import CollectorRegistry, Histogram, ProcessCollector, disable_created_metrics
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from config.daemon import MetricsSettings
from dialer.core.board import Board, CallerIdRow, RecordingsRow, TrunkRow
from dialer.core.inputs import CampaignState
from dialer.core.model import Settlement
from dialer.shell.metrics_server import application, serve

HAND_OVER_BUCKETS_S = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.0)
RING_BUCKETS_S = (1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 25.0, 30.0, 45.0, 60.0)
TALK_BUCKETS_S = (5.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)


class Metrics:
    """What one daemon exports. `show` hands it the board of the second."""

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a series more for each, that nobody asks for
        self.registry = CollectorRegistry()
        self._board = _BoardCollector()
        self.registry.register(self._board)
        ProcessCollector(registry=self.registry)

        def histogram(name: str, text: str, buckets: tuple[float, ...]) -> Histogram:
            return Histogram(name, text, ["campaign"], buckets=buckets, registry=self.registry)

        self._ring = histogram("dialer_ring_seconds", "Ringing until the answer or the end.", RING_BUCKETS_S)
        self._hand_over = histogram(
            "dialer_hand_over_seconds", "Answer until the INVITE to the agent's phone.", HAND_OVER_BUCKETS_S
        )
        self._to_agent = histogram(
            "dialer_answer_to_agent_seconds", "Answer until both hear each other.", HAND_OVER_BUCKETS_S
        )
        self._talk = histogram("dialer_talk_seconds", "Talks.", TALK_BUCKETS_S)

    def show(self, board: Board) -> None:
        """The board that the next scrape reads."""
        self._board.board = board

    def attempt(self, settlement: Settlement) -> None:
        """An attempt ended."""
        name = settlement.campaign
        if settlement.ringing_at is not None:
            until = settlement.answered_at or settlement.ended_at
            self._ring.labels(name).observe(max(0.0, until - settlement.ringing_at))
        if settlement.answered_at is None:
            return
        if settlement.agent_dialled_at is not None:
            self._hand_over.labels(name).observe(max(0.0, settlement.agent_dialled_at - settlement.answered_at))
        if settlement.bridged_at is not None:
            self._to_agent.labels(name).observe(max(0.0, settlement.bridged_at - settlement.answered_at))
            self._talk.labels(name).observe(max(0.0, settlement.ended_at - settlement.bridged_at))

    def serve(self, settings: MetricsSettings) -> None:
        """Listen. Port 0 listens nowhere. Raises `OSError`."""
        if settings.port:
            serve(settings.address, settings.port, application(self.registry, lambda: self._board.board))


class _BoardCollector(Collector):
    """The board as metric families."""

    def __init__(self) -> None:
        self.board: Board | None = None

    def collect(self) -> Iterator[Metric]:
        board = self.board
        if board is None:
            return
        yield from _host_metrics(board)
        yield from _campaign_metrics(board)
        yield from _trunk_metrics(board)
        yield from _reader_metrics(board)
        yield from _recording_metrics(board.recordings)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=value)


def _host_metrics(board: Board) -> Iterator[Metric]:
    build = GaugeMetricFamily("dialer_build_info", "1; the labels say what runs.", labels=["version", "python"])
    build.add_metric([board.version, platform.python_version()], 1)
    yield build
    yield _gauge("dialer_lines_used", "Calls on the line or on their way there.", board.lines_used)
    yield _gauge("dialer_lines_limit", "Calls that the workers can carry.", board.lines_total)
    yield _gauge("dialer_sip_workers", "Live SIP worker processes.", board.workers)
    yield _gauge("dialer_redis_up", "1 while Redis answers.", float(board.redis_healthy))
    yield _gauge("dialer_spooled_events", "Facts on disk that wait for Redis.", board.spooled)
    yield _gauge("dialer_problems", "Alarms of the moment; the board has their words.", len(board.problems))
    yield _gauge("dialer_no_new_calls", "Reasons for which this host starts no call.", len(board.no_new_calls))
    alarms = GaugeMetricFamily("dialer_alarm", "1 while there is an alarm about it.", labels=["about"])
    for about in board.about:
        alarms.add_metric([about], 1)
    yield alarms
    yield CounterMetricFamily("dialer_worker_restarts", "SIP workers that were replaced.", value=board.worker_restarts)
    yield CounterMetricFamily("dialer_pacing_late", "Decisions that the pacers gave too late.", value=board.pacing_late)
    yield CounterMetricFamily("dialer_anomalies", "Things that the tables do not foresee.", value=board.anomalies)
    seconds = CounterMetricFamily("dialer_agent_seconds", "Agents' time by state.", labels=["state"])
    for state, value in board.agent_s.items():
        seconds.add_metric([state], value)
    yield seconds
    refused = CounterMetricFamily("dialer_inbound_refused", "Calls from outside sent away, by code.", labels=["code"])
    for code, value in board.refused_callers.items():
        refused.add_metric([code], value)
    yield refused


def _campaign_metrics(board: Board) -> Iterator[Metric]:
    by_state, window = ["campaign", "state"], "of each counting window of the abandonment cap, all hosts."
    attempts = CounterMetricFamily("dialer_attempts", "Attempts by how they ended.", labels=["campaign", "disposition"])
    causes = CounterMetricFamily("dialer_ends", "Attempts by the cause of their end.", labels=["campaign", "cause"])
    decisions = CounterMetricFamily("dialer_pacing_decisions", "Decisions of the pacer.", labels=["campaign"])
    callers = CounterMetricFamily(
        "dialer_inbound_calls", "Calls from outside by how they ended.", labels=["campaign", "end"]
    )
    refusals = CounterMetricFamily("dialer_refusals", "Leads refused at a gate.", labels=["campaign", "rule"])
    judged = CounterMetricFamily("dialer_verdicts", "Verdicts on who answered.", labels=["campaign", "kind"])
    checked = CounterMetricFamily(
        "dialer_verdicts_checked", "Of verdicts for a machine: what agents said it was.", labels=["campaign", "said"]
    )
    calls = GaugeMetricFamily("dialer_calls", "Calls by state.", labels=by_state)
    agents = GaugeMetricFamily("dialer_agents", "Agents by state.", labels=by_state)
    leads = GaugeMetricFamily(
        "dialer_leads", "Leads held here, due, waiting; callbacks overdue.", labels=["campaign", "where"]
    )
    answered = GaugeMetricFamily("dialer_live_answers_today", "Live answers, all hosts.", labels=["campaign"])
    abandoned = GaugeMetricFamily("dialer_abandoned_today", "Abandoned calls, all hosts.", labels=["campaign"])
    by_window = ["campaign", "window"]
    counted = GaugeMetricFamily("dialer_window_live_answers", f"Live answers {window}", labels=by_window)
    lost = GaugeMetricFamily("dialer_window_abandoned", f"Abandoned calls {window}", labels=by_window)
    left = GaugeMetricFamily(
        "dialer_window_budget_calls", f"Calls that may be abandoned yet {window}", labels=by_window
    )
    caps = GaugeMetricFamily(
        "dialer_window_cap_ratio", f"Most of the live answers that may be lost {window}", labels=by_window
    )
    running = GaugeMetricFamily("dialer_campaign_running", "1 while the campaign is to dial.", labels=["campaign"])
    risk = GaugeMetricFamily("dialer_pacing_risk", "Abandon risk of the next call.", labels=["campaign"])
    for row in board.campaigns:
        by_label: list[tuple[CounterMetricFamily | GaugeMetricFamily, Mapping[str, float]]] = [
            (attempts, row.dispositions),
            (causes, row.causes),
            (refusals, row.refusals),
            (judged, row.judged),
            (checked, row.checked),
            (callers, row.callers),
            (calls, row.calls),
            (agents, row.agents),
            (leads, {"held": row.leads_held, "due": row.due, "waiting": row.waiting, "overdue": row.overdue}),
            (counted, {counts.label: counts.answered for counts in row.windows}),
            (lost, {counts.label: counts.abandoned for counts in row.windows}),
            (left, {counts.label: counts.left for counts in row.windows}),
            (caps, {counts.label: counts.cap for counts in row.windows}),
        ]
        for family, values in by_label:
            for label, value in values.items():
                family.add_metric([row.name, label], value)
        for family, value in ((decisions, row.decisions), (answered, row.answered), (abandoned, row.abandoned)):
            family.add_metric([row.name], value)
        running.add_metric([row.name], float(row.state == CampaignState.RUNNING))
        if row.risk is not None:
            risk.add_metric([row.name], row.risk)
    yield from (attempts, causes, decisions, refusals, callers, calls, agents, leads, answered, abandoned)
    yield from (judged, checked, counted, lost, left, caps, running, risk)


def _trunk_metrics(board: Board) -> Iterator[Metric]:
    calls = GaugeMetricFamily("dialer_trunk_calls", "Calls on the trunk.", labels=["trunk"])
    limit = GaugeMetricFamily("dialer_trunk_calls_limit", "Calls that the trunk carries.", labels=["trunk"])
    resting = GaugeMetricFamily(
        "dialer_trunk_resting_seconds", "How long the breaker keeps calls off.", labels=["trunk"]
    )
    unused = GaugeMetricFamily("dialer_trunk_unusable", "1 while no call may go there.", labels=["trunk"])
    for trunk in board.trunks:
        calls.add_metric([trunk.name], trunk.calls)
        limit.add_metric([trunk.name], trunk.max_calls)
        resting.add_metric([trunk.name], trunk.resting_s)
        unused.add_metric([trunk.name], float(trunk.why != ""))
    yield from (calls, limit, resting, unused)
    by_trunk = [("trunk", row.name, row) for row in board.trunks]
    yield from _quality_metrics([*by_trunk, *(("caller_id", row.caller_id, row) for row in board.caller_ids)])


def _quality_metrics(rows: Sequence[tuple[str, str, TrunkRow | CallerIdRow]]) -> Iterator[Metric]:
    """How calls went, by trunk and by the number that they showed."""
    labels = ["by", "name"]
    ends = CounterMetricFamily("dialer_quality_ends", "Attempts by cause.", labels=[*labels, "cause"])
    answers = CounterMetricFamily("dialer_quality_answers", "Attempts that were answered.", labels=labels)
    short = CounterMetricFamily("dialer_quality_short_calls", "Answers that were over within 12 s.", labels=labels)
    ratio = GaugeMetricFamily("dialer_quality_answer_seizure_ratio", "Answers of the newest attempts.", labels=labels)
    share = GaugeMetricFamily("dialer_quality_short_call_share", "Short calls of the newest answers.", labels=labels)
    delay = GaugeMetricFamily("dialer_quality_post_dial_delay_seconds", "INVITE to ringing, p95.", labels=labels)
    for by, name, row in rows:
        figures = row.quality
        for cause, number in row.ended.items():
            ends.add_metric([by, name, cause], number)
        answers.add_metric([by, name], row.answered)
        short.add_metric([by, name], row.short)
        ratio.add_metric([by, name], figures.answer_seizure_ratio)
        share.add_metric([by, name], figures.short_share)
        delay.add_metric([by, name], figures.post_dial_p95_s)
    yield from (ends, answers, short, ratio, share, delay)


def _reader_metrics(board: Board) -> Iterator[Metric]:
    unread = GaugeMetricFamily(
        "dialer_crm_reader_unread_events", "Events that a registered reader has not acknowledged.", labels=["reader"]
    )
    behind = GaugeMetricFamily(
        "dialer_crm_reader_behind_seconds", "Age of the oldest event that it has not acknowledged.", labels=["reader"]
    )
    lost = GaugeMetricFamily(
        "dialer_crm_reader_lost_events", "Events that went before it read them.", labels=["reader"]
    )
    for reader in board.readers:
        unread.add_metric([reader.name], reader.unread)
        behind.add_metric([reader.name], reader.behind_s)
        lost.add_metric([reader.name], reader.lost)
    yield from (unread, behind, lost)


def _recording_metrics(row: RecordingsRow) -> Iterator[Metric]:
    yield _gauge("dialer_recordings_waiting", "Talks that are over and wait to become recordings.", row.waiting)
    yield _gauge("dialer_recordings_set_aside", "Talks that could not become recordings.", row.set_aside)
    yield CounterMetricFamily("dialer_recordings", "Recordings that were made.", value=row.made)
    yield CounterMetricFamily("dialer_recording_failures", "Tries to make one that failed.", value=row.failed)
    yield CounterMetricFamily("dialer_recording_missing_seconds", "Audio that is missing.", value=row.missing_s)
    if row.free_mb is not None:
        yield _gauge("dialer_recordings_free_bytes", "Room for recordings; 0: nothing is recorded.", row.free_mb * 1e6)
