"""The parts of the scoreboard's page that say how to read it; nothing here depends on a figure."""

from __future__ import annotations

from typing import Final

from tests.scoreboard.row import Group

TARGETS_HEAD: Final = """\
## Targets

What is asked for is what a pacer reached that was told the laws of the scenario and whose risk was tuned by hand for
each case, on one day. `predictive` is told nothing. On a **cold day** it starts from nothing, as on the first day of a
campaign. On the **next day** (`predictive-next-day`) it goes on from what it had learnt on another day of the same
kind, as in the daemon; the ledger begins empty on both. `±` is half of the 95 % interval. Differences to what is asked
are in points; *within*: short of it by less than the interval.

"""

OVERVIEW_HEAD: Final = """\
## Every row in one line

`predictive` on cold days. **Kept**: days that ended at or below the cap. **First 15 min**, **worst 15 min** with no
shock near, and **near a shock**: abandon rates, means over days. **Counted** is the rate that the ledger comes to,
which differs where machines answer. **Yardstick** is told everything about the row, even who will answer.

"""

GROUPS: Final = {
    Group.STEADY: "Eight hours. Agents log in over five seconds; who answers changes slowly, but for one step in R7.",
    Group.AT_ONCE: """\
An hour and a half or two. Everybody is there from the first second, and the pacer knows nothing. After lunch all are
back at the same moment. In a restart of the daemon no call starts for five minutes, then another pacer goes on among
idle agents, with what the one before had learnt or with nothing.""",
    Group.MACHINES: """\
As above, with machines that answer late, within two seconds of each other. They take an agent for some seconds, and
nothing follows. What the pacer hears of them is said for each row; while it does not know better, its ledger counts
them as people. Rates on this page are of people alone: abandoned people by people who answered. But for **counted**:
a machine that found no agent is an abandoned person to the ledger, unless it is known at once, and a campaign is held
to its ledger. So the less is known of machines, the fewer people may be abandoned. The yardstick has no ledger.""",
    Group.SHOCKS: """\
Who answers changes from one call to the next, agents leave, or the trunk fails: dead, so that calls hang for 5 s and
the trunk rests, or refusing each call within 0.2 s for five minutes.""",
}
"""What is below a heading, before its tables."""

HOW: Final = """\
## How to read it

- **Utilisation** is (talk + wrap-up) / (logged in - paused), over the whole day: the time in which a pacer still
  learns counts. `±` is half of the 95 % interval of the mean over days (Student's t).
- **vs predictive** is the difference on the same days, with its own interval. The k-th call has the same callee and
  the k-th talk the same length whatever the policy, so differences are known better than the figures themselves.
- **Abandoned** is calls that were answered and had no agent on the line within 2 s, by all answered calls, at the
  end of the day: the mean, and the worst day. **Worst hour** is the highest rate of any sixty minutes in a row on
  any day.
- **First 15 min** and **worst 15 min** are abandon rates of quarters of an hour, by whole minutes: of each day the
  first, and the worst of those with at least 100 answers; both are means over days. A floor too small for 100 answers
  has the worst of its quarters with the most answers, and how many these are in brackets; that is chance more than
  anything. The worst of many quarters is above the mean by chance alone: of 100 answers at 3 % one quarter in twelve
  has 6 or more abandoned. A quarter with a shock in it or up to fifteen minutes before is left out there and is
  **near a shock**.
- **vs yardstick** is the difference to the utilisation of `yardstick`, which is told the laws of the row: who answers
  and when, talks, wrap-ups, and what drifts. It dials while the risk of the next call is at most a constant, and the
  constant is found by bisection so that the mean abandon rate of trial days of their own comes to the cap, of people
  alone. It counts nothing, so about half of its days end above the cap. It does not know beforehand when a trunk
  fails or who leaves. Machines it may lose as it likes, and loses up to seven of ten; where they count as people
  until somebody says otherwise, no campaign may do that, and the two are not compared.
- **Counted** is the abandon rate as the ledger of the row has it at the end of the day. It is that of people alone
  where no machine reaches an agent, or each is known when it answers.
- **Kept** is the share of days that ended at or below the cap. **Over** is how long the rate of the day so far was
  above the cap, mean over days. Every day begins with an empty ledger.
- **Idle** is from the moment an agent is ready until the next talk begins: mean, and 95th percentile.
- **Connects** and **talk** are for each hour that an agent worked: talks with people, and minutes, with machines too.
- `predictive` starts from nothing on every day. `predictive-next-day` is the same policy with the memory of one day
  that it played before, with other calls; that day counts nowhere. It shows what the cold start costs and, where a
  day ends unlike the next one begins (R7), what a memory costs. It does not compete.
- `ratio-tuned` is a fixed ratio chosen for each row and cap with the row known beforehand, on days of their own. It
  is a yardstick, not a policy that one could use: nobody knows the day beforehand. `ratio` and `ratio-tuned` stop at
  the cap by this product's own governor.

The floor is `tests/scoreboard`: the scenarios of [simulate.md](simulate.md) and some in other sizes, machines
screened by the carrier where not said otherwise, a list without end, no limit of lines. An agent has the call at
once, as in the simulation that the targets are from; a phone that takes 0.3 s costs about 0.3 points. `dialer
simulate` plays the same scenarios with such phones and the daemon's own engine, and slowly; a test compares the two.
Policies are asked when something has happened, at most four times a second, and at least once a second if they look
at more than counts; other dialers at their own beat where they have one."""

PEERS: Final = """\
## The other dialers

Each follows what its project has published; `dialer/sim/baselines` says from where, and what was left open and how
it was filled. The figures say what the rule does on this floor, not what a product sells.

- The campaign's cap is given to each as its own drop limit. `vicidial-ratio`, `issabel`, `issabel-overcommit` and
  `wombat` have no such limit; their figures are the same under both caps.
- `wombat` has the scenario's ratio as its boost, and so plays as `ratio` does where that never reaches the cap.
- The 2 s until a call counts as abandoned are the floor's, for all. VICIdial ships with 5 s; its controller then
  sees more waiting calls and dials somewhat less, but every call that waits longer than 2 s breaks the rule that the
  cap is about.
- VICIdial counts talking agents as if they were ready unless told otherwise. So on a small or middle floor even a
  fixed level of 1.5 lines keeps half as many calls ringing as there are talks, which is far more than agents come
  free. `-available-only` is the usual remedy, and is listed by itself.
- VICIdial's ADAPT_TAPERED lets its limit off early in the day: the brake is a factor of (2100 - time of day as HHMM)
  / 1000, which is 1 or more until 11:00 and 0.5 only at 16:00. Shifts here begin at 09:00, so that the level rises to
  its maximum of 3 and stays there for hours; a shift that began after noon would be braked from the start. Its rates
  are that rule's, not a mistake of the simulation.
- VICIdial's limits look at drops since midnight, once a minute, after more than 50 attempts.
- Issabel's predictor counts an agent as nearly free when 97 % of all talks are shorter than the present one, which
  hardly ever adds anybody; `-overcommit` divides by the success rate instead. It has no control of abandoned calls
  at all.
- Impact Dialing tries six ratios every minute on a simulation of the next four from the last hundred calls.
- Cisco's and Sinch's steps are not published; the ones used are a guess within what their documentation says."""
