import Testing

@testable import HTTPServer

@Suite struct ExchangeStateTests {
  @Test func `an answer inside the callback is queued there`() {
    var state = ExchangeState.receiving
    #expect(state.handlerBegins() == true)
    #expect(state.answer() == .queue)
    #expect(state.callbackReturns() == false)
    #expect(state == .answered)
  }

  @Test func `an answer after a suspend resumes once`() {
    var state = ExchangeState.receiving
    #expect(state.handlerBegins() == true)
    #expect(state.callbackReturns() == true)
    #expect(state.isUnwatched)
    #expect(state.answer() == .queueAndResume)
    #expect(state.answer() == .drop)
    #expect(!state.isUnwatched)
  }

  @Test func `the handler is called once`() {
    var state = ExchangeState.receiving
    #expect(state.handlerBegins() == true)
    #expect(state.handlerBegins() == false)
  }

  @Test func `a request given up takes no answer`() {
    var state = ExchangeState.suspended
    #expect(state.abandon() == .breakAndResume)
    #expect(state.abandon() == .none)
    #expect(state.answer() == .drop)
    #expect(state.handlerBegins() == false)
  }

  @Test func `after the end nothing is touched`() {
    for before in [ExchangeState.receiving, .handling, .suspended, .answered, .paused, .abandoned] {
      var state = before
      state.complete()
      #expect(state.answer() == .drop)
      #expect(state.abandon() == .none)
      #expect(state.handlerBegins() == false)
      #expect(state.callbackReturns() == false)
      #expect(state.pause() == false)
      #expect(state.unpause() == false)
    }
  }

  @Test func `a stream pauses and goes on`() {
    var state = ExchangeState.answered
    #expect(state.pause() == true)
    #expect(state.pause() == false)
    #expect(state.isUnwatched)
    #expect(state.unpause() == true)
    #expect(state.unpause() == false)
    #expect(state.pause() == true)
    #expect(state.abandon() == .breakAndResume)
    #expect(state.unpause() == false)
  }

  @Test func `what the library looks after is only broken`() {
    var receiving = ExchangeState.receiving
    var answered = ExchangeState.answered
    #expect(receiving.abandon() == .breakSocket)
    #expect(answered.abandon() == .breakSocket)
  }
}
