import Glibc

/// Lets the process open as many descriptors as the system allows.
func raiseDescriptorLimit() throws {
  var limit = rlimit()
  getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  limit.rlim_cur = limit.rlim_max
  guard setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else {
    throw RawClient.Failure.system("setrlimit", errno)
  }
}
