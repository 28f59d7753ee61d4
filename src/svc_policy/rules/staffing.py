"""Staffing: how many people a post takes, and how many more as the workload grows."""

from __future__ import annotations

from svc_policy.rules.family import Context, Family, Result


def build(context: Context) -> None:
    """Nothing to compute: posts are counted when somebody asks for a workload."""


FAMILY = Family(
    name="staffing",
    zh="编制",
    grain="none",
    policy="collect",
    governing="none",
    results=(
        Result("post", "role", "岗位", required=True),
        Result("staff", "count", "人数"),
        Result("per", "text", "按"),
        Result("each", "count", "每"),
        Result("beyond", "count", "超过"),
        Result("decided by", "role", "裁定人"),
    ),
    build=build,
)
