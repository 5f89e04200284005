#ifndef KEEL_CSPAWN_H
#define KEEL_CSPAWN_H

#include <sys/types.h>

/// Starts `argv[0]` in a session of its own, in the folder "/", with default signal dispositions, nothing blocked,
/// and no descriptor but `stdio` (input, output, error). Returns 0 or an errno.
///
/// A C function because the posix_spawn extensions it needs are hidden behind _GNU_SOURCE, which Swift's Glibc
/// module does not set.
int keel_spawn(pid_t *pid, char *const argv[], char *const envp[], const int stdio[3]);

/// A pipe of which no program gets an end that another thread starts meanwhile: who waits for the last writer would wait
/// for that too. Returns 0, or -1 with errno set.
int keel_pipe(int ends[2]);

#endif
