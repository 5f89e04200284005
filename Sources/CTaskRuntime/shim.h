// What Swift's own calls for these things read from, without what they wrap it in: that takes longer than an acquire.
// Both functions are of the runtime's stable interface. Addresses are compared and never followed.
#pragma once

extern void *_Nullable swift_task_getCurrent(void);
extern void *_Nullable swift_task_localValueGet(const void *_Nonnull key);

/// The task that runs on this thread; nil outside of any. `withUnsafeCurrentTask` reads from it.
static inline const void *_Nullable runningTask(void) { return swift_task_getCurrent(); }

/// Where the running task finds the value of a task-local, whose address is the key; nil when it has none.
/// `TaskLocal.get()` reads from it.
static inline const void *_Nullable taskLocalValue(const void *_Nonnull key) { return swift_task_localValueGet(key); }
