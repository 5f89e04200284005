public import Container

/// The pool for reading: `Tagged<Replica, PostgresPool>`.
///
/// Its connections go to the standby servers of `database.replicas`, in turn to those that are reachable and not
/// further behind than `database.replica_max_lag`; while there is none, to the primary. Without that setting it is the
/// app's one pool.
///
/// ```swift
/// Provide { (reading: Tagged<Replica, PostgresPool>) in Reports(reading.value) }
/// ```
public enum Replica: Tag {}
