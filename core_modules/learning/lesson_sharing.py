"""Events that some items felt teach the others too, each event once."""

from collections.abc import Sequence
from dataclasses import replace

from core_modules.learning.event_kinds import NOTHING
from core_modules.learning.event_lessons import Lesson
from core_modules.market_beliefs import MarketBeliefs, with_events, with_signals


def share_lessons(beliefs: Sequence[MarketBeliefs]) -> list[MarketBeliefs]:
    """Let each item learn from the events found gone tonight that only other items felt.

    `beliefs` are those of all items on the same evening, after `update_beliefs`. An event counts
    once however many items felt it; one that an item felt itself it has learned from already.
    """
    felt: dict[str, list[Lesson]] = {}
    for one in beliefs:
        for lesson in one.lessons:
            felt.setdefault(lesson.event_id, []).append(lesson)
    if not felt:
        return list(beliefs)
    joint = [_joint_lesson(lessons) for _, lessons in sorted(felt.items())]
    return [_taught(one, joint) for one in beliefs]


def _joint_lesson(lessons: Sequence[Lesson]) -> Lesson:
    """Make one lesson of what several items learned of the same event."""
    felt = NOTHING
    for lesson in lessons:
        felt = felt.joined(lesson.felt)
    judged = [lesson.real for lesson in lessons if lesson.real is not None]
    real = sum(judged) / len(judged) if judged else None
    return replace(lessons[0], felt=felt.elsewhere(), real=real)


def _taught(beliefs: MarketBeliefs, joint: Sequence[Lesson]) -> MarketBeliefs:
    own = {lesson.event_id for lesson in beliefs.lessons}
    foreign = [lesson for lesson in joint if lesson.event_id not in own]
    return replace(
        beliefs,
        elsewhere=with_events(beliefs.elsewhere, [(one.kind, one.felt) for one in foreign]),
        sources=with_signals(beliefs.sources, foreign),
    )
