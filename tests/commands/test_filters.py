"""Which commands are refused before they run."""

from __future__ import annotations

import pytest

from massgen.config.schema.execution import CommandKeys
from massgen.errors import ConfigError
from massgen.tools.commands.filters import Filters
from massgen.tools.commands.settings import command_settings


def filters(**keys: object) -> Filters:
    return command_settings(CommandKeys.model_validate(keys)).filters


@pytest.mark.spec("EXEC-020")
@pytest.mark.parametrize(
    "command",
    [
        "rm -rf /",
        "rm -fr /*",
        "rm -r -f ~",
        "rm --recursive /etc",
        "rm -rf //.",
        "sudo ls",
        "/usr/bin/sudo ls",
        "'su'do ls",
        "s\\udo ls",
        "true && sudo ls",
        "echo $(sudo ls)",
        "echo `sudo ls`",
        "sh -c 'sudo ls'",
        "bash <<EOF\nsudo ls\nEOF",
        "eval 'sudo ls'",
        "env X=1 nohup sudo ls",
        "if true; then sudo ls; fi",
        "chmod 777 x",
        "chmod -R 0777 .",
        "chmod a+rwx x",
        "dd if=/dev/zero of=/dev/sda",
        "mkfs.ext4 /dev/sda1",
        "echo x > /dev/sda",
        "cat x | tee /dev/nvme0n1",
        ":(){ :|:& };:",
        "bomb() { bomb | bomb & }; bomb",
        "mv precious /dev/null",
    ],
)
def test_dangerous_commands_are_refused(command: str) -> None:
    assert filters().objection(command)


@pytest.mark.spec("EXEC-020")
@pytest.mark.parametrize(
    "command",
    [
        "rm -rf build/",
        "rm -rf ./*",
        "rm /etc",
        "grep sudo file",
        "echo 'sudo rm -rf /'",
        "cat > x.sh <<'EOF'\nsudo ls\nrm -rf /\nEOF",
        "chmod 755 x && chmod +x y",
        "dd if=/dev/zero of=file",
        "cmd >/dev/null 2>&1",
        "python -c 'print(\"sudo\")'",
        "f() { echo hi; }; f",
        "echo ok # sudo",
    ],
)
def test_ordinary_commands_pass(command: str) -> None:
    assert filters().objection(command) is None


@pytest.mark.spec("EXEC-021")
def test_with_allowed_patterns_only_matching_commands_run_each_part_by_itself() -> None:
    chosen = filters(command_line_allowed_commands=["pip install.*", "python .*"])
    assert chosen.objection("python -V") is None
    assert chosen.objection("pip install x && python x.py") is None
    for command in ("ls", "echo python x", "python -V; ls", "python $(ls)", "python x | ls", "python 'open"):
        assert chosen.objection(command)


@pytest.mark.spec("EXEC-021")
def test_blocked_patterns_match_anywhere_and_win() -> None:
    chosen = filters(command_line_allowed_commands=["git .*"], command_line_blocked_commands=["push", "reset --hard"])
    assert chosen.objection("git status") is None
    assert "push" in str(chosen.objection("git push"))
    assert chosen.objection("git 'pu'sh")


@pytest.mark.spec("EXEC-023")
def test_a_refusal_names_the_rule() -> None:
    assert "'curl .*'" in str(filters(command_line_blocked_commands=["curl .*"]).objection("curl x"))
    assert "'python .*'" in str(filters(command_line_allowed_commands=["python .*"]).objection("ls"))
    assert "rm -rf /" in str(filters().objection("rm -rf /"))


@pytest.mark.spec("EXEC-024")
def test_sudo_is_lifted_in_containers_with_sudo_and_the_other_rules_stay() -> None:
    chosen = filters(command_line_execution_mode="docker", command_line_docker_enable_sudo=True)
    assert chosen.objection("sudo true") is None
    assert chosen.objection("sudo rm -rf /")
    assert chosen.objection("sudo -n chmod 777 x")
    assert filters(command_line_docker_enable_sudo=True).objection("sudo true")


@pytest.mark.spec("EXEC-025")
@pytest.mark.parametrize("key", ["command_line_allowed_commands", "command_line_blocked_commands"])
def test_an_invalid_pattern_is_an_error_that_names_its_key(key: str) -> None:
    with pytest.raises(ConfigError, match=key):
        filters(**{key: ["("]})


@pytest.mark.parametrize("command", ["$(" * 3000, "'" * 9999, "a" * 100_000, "x ( " * 9000, "${" * 9000])
def test_no_text_is_too_strange_to_be_judged(command: str) -> None:
    filters(command_line_allowed_commands=["ls"]).objection(command)
