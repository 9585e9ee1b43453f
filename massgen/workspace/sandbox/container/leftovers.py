"""The shell script that ends what a command left behind in a container: one `grep` a look, whatever runs there.

A process is known by the mark in its environment. While it starts a program it shows no environment, and between the
list of processes and the look into them one may be followed by its child. A look that met either is in doubt and is
done again, so that one quiet look is enough.
"""

from __future__ import annotations

from collections.abc import Sequence

_LOOKS = 50
_DOUBTS = 20
"""Looks in doubt in which nobody was found: where processes come and go all the time there is always a doubt."""

END = f"""
mark=$1 signal=$2 looks=$3 doubts={_DOUBTS} known=' '
while [ $looks -gt 0 ] && [ $doubts -gt 0 ]; do
  looks=$((looks-1)) found= doubt=
  set -- /proc/[0-9]*/environ
  shown=$(LC_ALL=C grep -asHoE "^[A-Za-z_]|$mark" "$@")
  for file; do
    place=${{file%/environ}}
    process=${{place#/proc/}}
    [ $process = $$ ] && continue
    case $shown in
    *"$file:$mark"*) kill -$signal $process 2>/dev/null && found=yes || doubt=yes ;;
    *"$file:"*) ;;
    *)
      case $known in *" $process "*) continue ;; esac
      doubt=yes line=
      {{ read -r line < $place/cmdline; }} 2>/dev/null
      [ "$line" ] || [ ! -r $file ] && known="$known$process "
      ;;
    esac
  done
  [ "$found$doubt" ] || break
  [ "$found" ] || doubts=$((doubts-1))
done
"""
"""Takes the mark, the signal and how often to look at most.

Without an environment are also those who cleared it, who have ended, and other users' processes: one doubt each.
"""


def ending(mark: str, signal: str) -> Sequence[str]:
    """The command line that sends a signal to whoever shows `mark`; KILL goes on until nobody is found."""
    looks = _LOOKS if signal == "KILL" else 1
    return ("/bin/sh", "-c", END, "sh", mark, signal, str(looks))


def ending_after(mark: str, shell: str, command: str) -> Sequence[str]:
    """The command line that runs `command` and kills what it leaves; its exit code is that of the command.

    TERM is for the command: this script stays for what ignores it.
    """
    script = 'trap : TERM; "$4" -c "$5"; code=$?; ' + END + "exit $code"
    return ("/bin/sh", "-c", script, "sh", mark, "KILL", str(_LOOKS), shell, command)
