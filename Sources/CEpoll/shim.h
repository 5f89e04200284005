// epoll and eventfd, which Glibc's own module leaves out, and one call that is variadic in C.
#pragma once
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>

/// Names the calling thread; the kernel keeps 15 bytes.
static inline void nameThread(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }
