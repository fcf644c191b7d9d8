"""A first ``directory.yaml``: it touches nothing that no file lists until somebody decides otherwise."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.config import TokenSource
from reconciler.importing.yaml_text import flow_text


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectoryTemplate:
    """What a new ``directory.yaml`` says of the directory.

    Attributes:
        name: what plans and ledgers call it.
        base_url: the SCIM endpoint; ``${NAME}`` stands for an environment variable.
        token: where the bearer token comes from.
        dialect: the name of its dialect.
    """

    name: str
    base_url: str
    token: TokenSource
    dialect: str = "generic"


def directory_text(template: DirectoryTemplate) -> str:
    """Return the file, with comments that tell what else it can say."""
    return f"""\
directory:
  name: {flow_text(template.name)}
  dialect: {flow_text(template.dialect)}
  base_url: {flow_text(template.base_url)}
  token: {flow_text(_token(template.token))}

# Which live resources these files speak for, as SCIM filters. All, if left out.
# scope:
#   users: 'userName ew "@example.com"'
#   groups: 'displayName sw "team-"'

# What happens to live resources in scope that no file lists: ignore, deactivate (users), delete. With some time to
# notice a mistake: users: {{deactivate: {{after: 7d}}, delete: {{after_deactivated: 30d}}}}
unlisted:
  users: ignore
  groups: ignore

# What is never taken away, whatever becomes of the lines in the other files.
# protect: {{break_glass: [emergency@example.com], privileged: ["*-admins"], min_members: {{org-admins: 2}}}}

# A plan that goes beyond these limits is refused. They, and others, hold without being written here.
# guards:
#   users: {{deactivate: {{count: 20, percent: 5}}, delete: {{count: 0}}}}
#   groups: {{delete: {{count: 2}}}}
#   members: {{remove: {{count: 200, percent: 50}}}}
"""


def _token(source: TokenSource) -> dict[str, object]:
    token: dict[str, object] = {}
    if source.env is not None:
        token["env"] = source.env
    elif source.file is not None:
        token["file"] = source.file
    elif source.command is not None:
        token["command"] = list(source.command)
    if source.expires is not None:
        token["expires"] = source.expires.isoformat()
    return token
