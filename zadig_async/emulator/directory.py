"""Who and what a world knows by name: people, registries, code hosts, projects and environments."""

from typing import Any

from zadig_async.emulator.script import (
    CodeHostScript,
    EnvironmentScript,
    ProjectScript,
    RegistryScript,
    Script,
    UserScript,
    stable_id,
)

__all__ = ["Directory"]


class Directory:
    """Look-ups over the unchanging part of a scenario."""

    def __init__(self, script: Script) -> None:
        self._users = {user.name: user for user in script.users}
        self._by_token = {token: user for user in script.users for token in user.tokens}
        self._groups = {group.name: group for group in script.groups}
        self._registries = script.registries
        self._codehosts = {host.name: host for host in script.codehosts}
        self._projects = {project.key: project for project in script.projects}

    def user_of(self, token: str) -> UserScript | None:
        """The owner of a token."""
        return self._by_token.get(token)

    def may(self, user: UserScript, permission: str, project: str) -> bool:
        """Whether `user` has a permission (execute, edit, create, admin) in a project key as it was sent."""
        granted = {*user.projects.get(project, ()), *user.projects.get("*", ())}
        return user.admin or "admin" in granted or permission in granted

    def wire_user(self, name: str) -> dict[str, Any]:
        """A user by name, as definitions store it; the name `task_creator` is a type of its own."""
        if name == "task_creator":
            return {"type": "task_creator"}
        user = self._users.get(name)
        return {"type": "user", "user_id": user.uid if user else "", "user_name": name}

    def wire_group(self, name: str) -> dict[str, Any]:
        """A group by name, as definitions store it."""
        group = self._groups.get(name)
        group_id = group.id if group and group.id else stable_id("group", name)
        return {"type": "group", "group_id": group_id, "group_name": name}

    def members(self, group_name: str) -> list[dict[str, Any]]:
        """The users of a group, as definitions store them."""
        group = self._groups.get(group_name)
        return [self.wire_user(name) for name in group.users] if group else []

    @staticmethod
    def registry_id(registry: RegistryScript) -> str:
        """The id of a registry."""
        return registry.id or stable_id("registry", f"{registry.address}/{registry.namespace}")

    def first_registry_id(self) -> str:
        """The id of the default registry, or nothing."""
        return self.registry_id(self._registries[0]) if self._registries else ""

    def registry_rows(self) -> list[dict[str, Any]]:
        """The registries as the server lists them (core/system/service/types.go:212)."""
        return [
            {
                "registry_id": self.registry_id(registry),
                "address": registry.address,
                "provider": "native",
                "region": "",
                "namespace": registry.namespace,
                "is_default": index == 0,
            }
            for index, registry in enumerate(self._registries)
        ]

    def registry_named(self, full_name: str) -> str | None:
        """The id of the registry whose `<address>/<namespace>` is exactly `full_name`."""
        for registry in self._registries:
            if f"{registry.address}/{registry.namespace}" == full_name:
                return self.registry_id(registry)
        return None

    def image_prefix(self, registry_id: str) -> str:
        """Where images of a registry live, without the scheme."""
        for registry in self._registries:
            if self.registry_id(registry) == registry_id:
                host = registry.address.split("://", 1)[-1]
                return f"{host}/{registry.namespace}"
        return "registry.local"

    def codehost(self, name: str) -> CodeHostScript | None:
        """A code host by name."""
        return self._codehosts.get(name)

    def has_project(self, key: str) -> bool:
        """Whether the project exists."""
        return key in self._projects

    def project(self, key: str) -> ProjectScript | None:
        """A project by key."""
        return self._projects.get(key)

    def environment(self, project: str, name: str) -> EnvironmentScript | None:
        """An environment of a project; a project that names none has every environment one asks for."""
        known = self._projects.get(project)
        if not name or known is None:
            return None
        if not known.environments:
            return EnvironmentScript(name=name)
        return next((item for item in known.environments if item.name == name), None)

    def is_production(self, environment: str) -> bool:
        """Whether any project knows an environment of this name as production."""
        return any(
            item.production and item.name == environment
            for project in self._projects.values()
            for item in project.environments
        )
