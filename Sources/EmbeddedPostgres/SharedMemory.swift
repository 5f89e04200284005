#if canImport(Glibc)
  import Glibc
#endif

/// The block of System V shared memory that every server has, beside its files: the kernel keeps it when the server is
/// killed, until somebody removes it or the machine restarts.
enum SharedMemory {
  /// Removes the block that a server noted in its process file, if it still is that server's and nobody is attached.
  static func remove(notedIn file: ProcessFile) {
    #if canImport(Glibc)
      guard let (key, id) = file.sharedMemory else { return }
      var block = shmid_ds()
      // Since a restart of the machine the number may be another's. The key is the number of the data folder's inode.
      guard shmctl(id, IPC_STAT, &block) == 0, block.shm_perm.__key == key, block.shm_nattch == 0 else { return }
      shmctl(id, IPC_RMID, nil)
    #endif
  }
}
