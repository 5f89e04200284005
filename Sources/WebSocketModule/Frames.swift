internal import CWslay

/// libwslay, which knows how frames are written and read: one side of one connection.
///
/// The library checks what a client may get wrong (masks, reserved bits, opcodes, fragments, UTF-8, sizes, codes), queues
/// the close frame for it, and answers pings.
final class Frames {
  enum Input {
    case bytes(Int)
    /// Nothing now.
    case later
    /// There will be nothing more.
    case end
  }

  /// A message in more pieces than this is an attack: each costs memory of its own.
  private static let maxFragments = 1024
  /// With so many frames waiting, all but one of them answers to pings, no more are read.
  private static let maxQueued = 16

  /// Where the library's bytes come from.
  var source: ((UnsafeMutableRawBufferPointer) -> Input)?
  /// Gets what has arrived whole.
  var onMessage: ((WebSocketMessage) -> Void)?

  /// The library's object; nil without memory for it.
  private var context: OpaquePointer?
  private var sink: [UInt8] = []
  private var sinkLimit = 0
  private var fragments = 0
  private var hasEnded = false
  private var hasQueuedClose = false
  /// A frame whose head alone is wrong: the library gives up with a close frame that says nothing. Made to say 1002.
  private var headFault = HeadFault.none

  private enum HeadFault {
    case none
    case found
    case told
  }

  init(maxMessageBytes: Int) {
    var callbacks = Self.callbacks
    // The library hands the pointer back in calls that we make, and is gone before we are.
    let pointer = Unmanaged.passUnretained(self).toOpaque()
    guard wslay_event_context_server_init(&context, &callbacks, pointer) == 0 else { return }
    wslay_event_config_set_max_recv_msg_length(context, UInt64(clamping: maxMessageBytes))
  }

  deinit {
    if let context { wslay_event_context_free(context) }
  }

  // MARK: Receiving

  /// Takes bytes from the source until it has no more. False when the source has ended.
  func receive() -> Bool {
    guard let context else { return false }
    hasEnded = false
    guard wslay_event_recv(context) != 0 else { return true }
    if !hasEnded, !hasQueuedClose { headFault = .found }
    return !hasEnded
  }

  /// Whether the library still listens: not after a close frame, nor after a mistake.
  var isReading: Bool { context.map { wslay_event_get_read_enabled($0) != 0 } ?? false }

  /// Whether so much waits to be sent that no more should be read.
  var isCongested: Bool { context.map { wslay_event_get_queued_msg_count($0) > Self.maxQueued } ?? false }

  /// The code of the client's close frame, once there was one.
  var closeReceived: WebSocketCloseCode? {
    guard let context, wslay_event_get_close_received(context) != 0 else { return nil }
    return WebSocketCloseCode(rawValue: wslay_event_get_status_code_received(context))
  }

  // MARK: Sending

  /// Whether frames wait.
  var wantsToSend: Bool { context.map { wslay_event_want_write($0) != 0 } ?? false }

  /// Whether a close frame is queued or sent, so that nothing else will be.
  var isEnding: Bool { hasQueuedClose || !isReading }

  /// The code of our close frame, once it is sent.
  var closeSent: WebSocketCloseCode? {
    if headFault == .told { return .protocolError }
    guard let context, wslay_event_get_close_sent(context) != 0 else { return nil }
    return WebSocketCloseCode(rawValue: wslay_event_get_status_code_sent(context))
  }

  /// Queues a message as one frame. False when a close frame is before it.
  func queue(_ message: WebSocketMessage) -> Bool {
    switch message {
    case .text(var text): text.withUTF8 { queue(WSLAY_TEXT_FRAME, $0) }
    case .binary(let bytes): bytes.withUnsafeBufferPointer { queue(WSLAY_BINARY_FRAME, $0) }
    }
  }

  func queuePing() { _ = queue(WSLAY_PING, UnsafeBufferPointer(start: nil, count: 0)) }

  func queueClose(_ code: WebSocketCloseCode, reason: String) {
    guard let context else { return }
    hasQueuedClose = true
    var reason = reason
    _ = reason.withUTF8 { wslay_event_queue_close(context, code.rawValue, $0.baseAddress, $0.count) }
  }

  private func queue(_ opcode: wslay_opcode, _ payload: UnsafeBufferPointer<UInt8>) -> Bool {
    guard let context else { return false }
    var message = wslay_event_msg(
      opcode: UInt8(opcode.rawValue), msg: payload.baseAddress, msg_length: payload.count)
    return wslay_event_queue_msg(context, &message) == 0
  }

  /// Adds frames that wait to `output`, until it has about `limit` bytes. False when the library fails.
  func send(into output: inout [UInt8], limit: Int) -> Bool {
    guard let context else { return false }
    sinkLimit = limit
    swap(&sink, &output)
    defer { swap(&sink, &output) }
    guard wslay_event_send(context) == 0 else { return false }
    // Nothing comes after a close frame, so that it is the end of what waits.
    let head = 0x80 | UInt8(WSLAY_CONNECTION_CLOSE.rawValue)
    if headFault == .found, wslay_event_get_close_sent(context) != 0, sink.suffix(2).elementsEqual([head, 0]) {
      sink.removeLast(2)
      sink += [head, 2, 0x03, 0xEA]
      headFault = .told
    }
    return true
  }

  // MARK: The library's calls

  private static let callbacks = wslay_event_callbacks(
    recv_callback: { context, buffer, count, _, pointer in
      guard let frames = Frames.from(pointer), let buffer else { return -1 }
      switch frames.source?(UnsafeMutableRawBufferPointer(start: buffer, count: count)) ?? .end {
      case .bytes(let count):
        return count
      case .later:
        wslay_event_set_error(context, Int32(WSLAY_ERR_WOULDBLOCK.rawValue))
        return -1
      case .end:
        frames.hasEnded = true
        wslay_event_set_error(context, Int32(WSLAY_ERR_CALLBACK_FAILURE.rawValue))
        return -1
      }
    },
    send_callback: { context, bytes, count, _, pointer in
      guard let frames = Frames.from(pointer) else { return -1 }
      guard frames.sink.count < frames.sinkLimit else {
        wslay_event_set_error(context, Int32(WSLAY_ERR_WOULDBLOCK.rawValue))
        return -1
      }
      frames.sink.append(contentsOf: UnsafeBufferPointer(start: bytes, count: count))
      return count
    },
    // Only clients mask.
    genmask_callback: nil,
    on_frame_recv_start_callback: { context, frame, pointer in
      guard let frames = Frames.from(pointer), let frame else { return }
      frames.begins(opcode: frame.pointee.opcode)
    },
    on_frame_recv_chunk_callback: nil,
    on_frame_recv_end_callback: nil,
    on_msg_recv_callback: { _, message, pointer in
      guard let frames = Frames.from(pointer), let message else { return }
      frames.received(
        opcode: message.pointee.opcode,
        UnsafeBufferPointer(start: message.pointee.msg, count: message.pointee.msg_length))
    })

  private static func from(_ pointer: UnsafeMutableRawPointer?) -> Frames? {
    pointer.map { Unmanaged<Frames>.fromOpaque($0).takeUnretainedValue() }
  }

  private func begins(opcode: UInt8) {
    switch UInt32(opcode) {
    case WSLAY_CONTINUATION_FRAME.rawValue:
      fragments += 1
      guard fragments > Self.maxFragments, let context else { return }
      queueClose(.policyViolation, reason: "too many fragments")
      wslay_event_shutdown_read(context)
    case WSLAY_TEXT_FRAME.rawValue, WSLAY_BINARY_FRAME.rawValue:
      fragments = 0
    default:
      // A control frame, which may come between fragments.
      break
    }
  }

  private func received(opcode: UInt8, _ payload: UnsafeBufferPointer<UInt8>) {
    switch UInt32(opcode) {
    // The library has checked that it is UTF-8.
    case WSLAY_TEXT_FRAME.rawValue: onMessage?(.text(String(decoding: payload, as: UTF8.self)))
    case WSLAY_BINARY_FRAME.rawValue: onMessage?(.binary(Array(payload)))
    default: break
    }
  }
}
