"""How the `claude` child is shut in.

The child runs as the same user as we do and does what a model tells it. Between its session and the others
stand the mount and PID namespaces that bubblewrap makes: inside, nobody else's process exists, and what must
not be read or changed is not there, or covered. Whether this machine allows that is not guessed: `probe` runs the
exact arguments.

At the level ``project`` (`open_list`) the root is empty and what is in it is a list; docs/security.md says what is on
it and what stays open. At the level ``home`` (`covers`) the root is the host's and the list is of what is hidden. The
same covers hold at the level ``project`` for what of them can be reached, since a project may be a whole home. What is
covered, and why so (each is tried in tests/processes/test_containment_attacks.py):

* *Shown again* inside the hidden state directory: this session's files from people (read-only) and scratch folder.
* *Hidden* by an empty tmpfs: the state directory, the directory of the token's file, /run/credentials, /run/user,
  $XDG_RUNTIME_DIR. As wholes: when the host removes a directory that is a mount point here, our mount is gone, and
  what is made anew under that name is seen. So the mount must lie on a directory that stays: /run/user, not
  /run/user/1000. Also /run/dbus and /run/systemd, where root's child could ask the service manager to run
  something outside.
* *Private* tmpfs: the CLI's peer sockets and their keys.
* *Read-only*: our code, the configuration, ~/.config/systemd, the CLI's settings; /sys and /proc/sys, because
  a root child without any capability wrote kernel.core_pattern, which names a program that runs outside.
  These and the private ones are made when they are missing, and opened part by part: a link that the child of a
  session before planted in their place is not followed, but stops the start.
  What is bound is handed to bubblewrap as descriptors, so that nothing is swapped between the look and the mount; an
  older one takes none and binds by path, and then each is compared again from inside, before Claude runs.
* *Pinned*, bound onto itself: each ancestor of all these that the user could rename. A mount point cannot be
  renamed, but the directory above it can, and another be planted in its place.
* A root child gets a small /dev: on the host's, root owns the disks and needs no capability to read them.

What stays open at the level ``home``, known and not solved here. The network namespace is shared: loopback services
and abstract unix sockets (an old D-Bus, X11) can be reached; so can docker.sock by who may use it. The child writes
the user's files: ~/.bashrc, ~/.ssh/authorized_keys, crontabs and, as root, the system itself; what these start
later runs outside. It reads and writes the transcripts and ~/.claude.json of the user's other sessions, and
/tmp/claude-<uid>. The child's own tools may trace it (its stdio is theirs): a session is kept apart from the
others, not from itself. A file (not a directory) that the host replaces by renaming loses its mount. A directory to
hide that did not exist at the start is not hidden. Containment keeps identities apart; for a jail use a user of its
own, or a machine.

Needs nothing more: TIOCSTI (--new-session leaves no terminal), ptrace and signals (no other process is
visible), nested user namespaces (mounts from outside are locked in them), sudo (no_new_privs).
"""
