internal import Glibc

/// Makes a call of the system again when a signal cuts it short. On a socket with a time-out the kernel does not by itself:
/// signal(7).
public func uninterrupted(_ call: () -> Int) -> Int {
  while true {
    let count = call()
    guard count < 0, errno == EINTR else { return count }
  }
}
