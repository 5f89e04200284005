// epoll and eventfd: Glibc's own module leaves them out.
#pragma once
#include <sys/epoll.h>
#include <sys/eventfd.h>
