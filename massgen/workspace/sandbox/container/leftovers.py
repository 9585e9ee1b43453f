"""The shell script that ends what a command left behind in a container: one `grep` a look, whatever runs there.

A process is known by the mark in its environment. While it starts a program it shows no environment, and between the
list of processes and the look into them one may be followed by its child. A look that met either is in doubt and is
done again, so that one quiet look is enough. The pattern names processes, not their files: the shell would leave out
those without a file, which ended after the list and may have been followed.
"""

from __future__ import annotations

from collections.abc import Sequence

_LOOKS = 50
_DOUBTS = 20
"""Looks in doubt in which nobody was found: where processes come and go all the time there is always a doubt."""

END = f"""
mark=$1 signal=$2 looks=$3 doubts={_DOUBTS} bare=' ' ended=' '
while [ $looks -gt 0 ] && [ $doubts -gt 0 ]; do
  looks=$((looks-1)) found= doubt=
  files=
  for place in /proc/[0-9]*; do files="$files $place/environ"; done
  shown=$(LC_ALL=C grep -asHoE "^[A-Za-z_]|$mark" $files)
  for file in $files; do
    place=${{file%/environ}}
    process=${{place#/proc/}}
    [ $process = $$ ] && continue
    case $shown in
    *"$file:$mark"*) kill -$signal $process 2>/dev/null && found=yes || doubt=yes ;;
    *"$file:"*) ;;
    *)
      case $ended in *" $process "*) continue ;; esac
      argument= variable= state=
      {{ read -r argument < $place/cmdline; read -r variable < $file; read -r state < $place/stat; }} 2>/dev/null
      if [ "$argument" ]; then
        case $bare in *" $process "*) continue ;; esac
        case $variable in [A-Za-z_]*) ;; *) bare="$bare$process " ;; esac
      else
        case ${{state##*) }} in Z*) ended="$ended$process " ;; esac
      fi
      doubt=yes
      ;;
    esac
  done
  [ "$found$doubt" ] || break
  [ "$found" ] || doubts=$((doubts-1))
done
"""
"""Takes the mark, the signal and how often to look at most.

Without an environment are also those who cleared it, other users' processes and those nobody waited for: a doubt each,
and no more while they stay so.
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
