"""Policies: named sets of rules, each a TOML file in which every value has its source and its date.

`read_catalogue` finds those that are shipped here and those of the operator, `applied` adds the ones that a campaign
names to the campaign's own settings. None of it is legal advice.
"""

from config.policies.applied import AppliedSettings
from config.policies.catalogue import Catalogue, read_catalogue, shipped
from config.policies.composition import applied
from config.policies.model import PolicySettings

__all__ = ["AppliedSettings", "Catalogue", "PolicySettings", "applied", "read_catalogue", "shipped"]
