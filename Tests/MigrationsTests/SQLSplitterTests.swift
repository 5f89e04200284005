import Testing

@testable import MigrationFiles

@Suite struct SQLSplitterTests {
  private func split(_ text: String) throws -> [String] {
    try SQLSplitter.split(text).map(\.text)
  }

  @Test(arguments: [
    ("", []),
    (" ;; \n ; -- nothing\n", []),
    ("SELECT 1", ["SELECT 1"]),
    ("\u{FEFF}SELECT 1; SELECT 2;", ["SELECT 1", "SELECT 2"]),
    ("SELECT ';'; SELECT 'it''s;'", ["SELECT ';'", "SELECT 'it''s;'"]),
    (#"SELECT E'\';'; SELECT 2"#, [#"SELECT E'\';'"#, "SELECT 2"]),
    (#"SELECT '\'; SELECT 2"#, [#"SELECT '\'"#, "SELECT 2"]),
    (#"SELECT typeE'\'; SELECT 2"#, [#"SELECT typeE'\'"#, "SELECT 2"]),
    ("SELECT E'a'\n  '\\';b'; SELECT 2", ["SELECT E'a'\n  '\\';b'", "SELECT 2"]),
    ("SELECT E'a' -- c;'\n '\\';b'; SELECT 2", ["SELECT E'a' -- c;'\n '\\';b'", "SELECT 2"]),
    (#"SELECT ";""x" ; SELECT U&"\0441;" , U&'\';2"#, [#"SELECT ";""x""#, #"SELECT U&"\0441;" , U&'\'"#, "2"]),
    ("SELECT 1 -- a;b\n; /* c; /* d; */ ; */ SELECT 2", ["SELECT 1", "SELECT 2"]),
    ("SELECT 5 --;\n+ 3; SELECT 4 /*;*/ / 2", ["SELECT 5 --;\n+ 3", "SELECT 4 /*;*/ / 2"]),
    ("DO $$ BEGIN; END $$; SELECT 2", ["DO $$ BEGIN; END $$", "SELECT 2"]),
    ("SELECT $a$ $b$ ; $$ ; $a$; SELECT 2", ["SELECT $a$ $b$ ; $$ ; $a$", "SELECT 2"]),
    ("SELECT a$b$c; SELECT d$b$e", ["SELECT a$b$c", "SELECT d$b$e"]),
    ("SELECT $1; SELECT $é$;$é$", ["SELECT $1", "SELECT $é$;$é$"]),
    ("SELECT 1$x$;$x$", ["SELECT 1$x$;$x$"]),
    (
      "CREATE RULE r AS ON INSERT TO t DO ALSO (SELECT 1; SELECT 2); SELECT 3",
      ["CREATE RULE r AS ON INSERT TO t DO ALSO (SELECT 1; SELECT 2)", "SELECT 3"]
    ),
    (
      "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 1 END; END; SELECT 2",
      ["CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN true THEN 1 END; END", "SELECT 2"]
    ),
    (
      "create or replace procedure p() begin atomic; insert into t values (1); end; BEGIN; SELECT 1; END;",
      ["create or replace procedure p() begin atomic; insert into t values (1); end", "BEGIN", "SELECT 1", "END"]
    ),
    (
      "CREATE FUNCTION f(t t) RETURNS int BEGIN ATOMIC SELECT 1 AS end; SELECT t.end, t.case; END; SELECT 2",
      ["CREATE FUNCTION f(t t) RETURNS int BEGIN ATOMIC SELECT 1 AS end; SELECT t.end, t.case; END", "SELECT 2"]
    ),
    ("SELECT 1)); SELECT 2", ["SELECT 1))", "SELECT 2"]),
  ])
  func `statements end at their own semicolons`(text: String, statements: [String]) throws {
    #expect(try split(text) == statements)
  }

  @Test func `each statement knows its place, its bytes and its first words`() throws {
    let text = "-- é\nSELECT 1;\n\tcreate  /* x */ unique\nindex i on t (a);"
    let statements = try SQLSplitter.split(text)
    #expect(statements.map(\.location) == [TextLocation(line: 2, column: 1), TextLocation(line: 3, column: 2)])
    #expect(statements.map(\.words) == [["SELECT"], ["CREATE", "UNIQUE", "INDEX", "I"]])
    for statement in statements {
      #expect(String(decoding: Array(text.utf8)[statement.range], as: UTF8.self) == statement.text)
    }
  }

  @Test(arguments: [
    ("SELECT 'abc;\n", 1, 8, "string"),
    ("SELECT 1;\n é E'\\", 2, 4, "string"),
    ("SELECT \"a", 1, 8, "quoted name"),
    ("\n\n  /* a /* b */", 3, 3, "comment"),
    ("DO $x$ BEGIN END $y$", 1, 4, "$x$"),
    ("SELECT 1;\n\\connect other", 2, 1, "psql"),
  ])
  func `what does not end is refused where it begins`(text: String, line: Int, column: Int, what: String) {
    #expect {
      try SQLSplitter.split(text)
    } throws: { error in
      guard let error = error as? SQLSplitError else { return false }
      let position = TextExcerpt(of: text, position: error.position).location
      return error.location == TextLocation(line: line, column: column) && position == error.location
        && error.message.contains(what)
    }
  }

  @Test(arguments: [
    ("COPY t FROM stdin", true), ("copy t (a, b) from STDIN WITH (FORMAT csv)", true), ("COPY t TO STDOUT", true),
    ("COPY (SELECT 1 FROM stdin) TO '/f'", false), ("COPY t FROM '/f'", false), ("COPY t FROM PROGRAM 'x'", false),
    ("SELECT 1 FROM stdin", false),
  ])
  func `a COPY through the client is known`(text: String, copies: Bool) throws {
    #expect(try SQLSplitter.split(text).map(\.copiesThroughClient) == [copies])
  }

  /// Pieces that hide semicolons in every way there is, put together at random: what was joined comes apart again.
  @Test func `statements joined by semicolons are split into the same statements`() throws {
    let hiding = [
      "';'", "'it''s;'", #"E'\';'"#, #"E'\\'"#, "$$;$$", "$a$;$b$;$$;$a$", "\";\"\"\"", "/* ; /* ; */ ' */", "(;)",
      "((;);)",
      #"U&'\'"#, "B'01'", "x'ff'", "$1", "a$b$", "é",
      "-- ; ' $$\n", "1.5e3",
      "CASE", "END", "::", "->>", "@-", "/", "*", "%",
    ]
    var random = SplitMix(state: 42)
    for _ in 0..<3_000 {
      let statements = (0..<Int.random(in: 1...6, using: &random)).map { _ in
        let pieces = (0..<Int.random(in: 0...8, using: &random)).map { _ in hiding.randomElement(using: &random) ?? "" }
        return "SELECT " + pieces.joined(separator: " ") + " x"
      }
      #expect(try split(statements.joined(separator: ";\n")) == statements)
    }
  }

  /// Any bytes at all: it answers or refuses, never loops or traps, and never loses or overlaps text.
  @Test func `any text is split or refused`() {
    let alphabet = Array("'\"$;-/*\\()EeUu&aZ_09 \n\r\té😀\u{FEFF}.BEGINATOMICcreatefunction")
    var random = SplitMix(state: 7)
    for _ in 0..<20_000 {
      let text = String(
        (0..<Int.random(in: 0...40, using: &random)).map { _ in alphabet.randomElement(using: &random) ?? " " })
      guard let statements = try? SQLSplitter.split(text) else { continue }
      var end = 0
      for statement in statements {
        #expect(statement.range.lowerBound >= end)
        end = statement.range.upperBound
      }
      #expect(end <= text.utf8.count)
    }
  }
}

/// A generator that gives the same numbers in every run.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
    return mixed ^ mixed >> 31
  }
}
