#!/bin/sh
# The debug compile time of one module with 200 providers in one builder. Run after `swift build` in the root.
set -e
cd "$(dirname "$0")/.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
{
  echo 'import Container'
  for i in $(seq 0 199); do echo "struct T$i: Sendable {}"; done
  echo 'public struct Wide: Module {'
  echo '  public init() {}'
  echo '  public var body: [any ModuleElement] {'
  echo '    Provide { T0() }'
  for i in $(seq 1 199); do
    echo "    Provide { (_: T$((i - 1))) async throws in T$i() }.onStart { _ in }.onStop { _ in }"
  done
  echo '  }'
  echo '}'
} > "$folder/Wide.swift"
modules=$(dirname "$(find .build/debug/ -name Container.swiftmodule | head -1)")
time swiftc -swift-version 6 -typecheck -I "$modules" "$folder/Wide.swift"
time swiftc -swift-version 6 -Onone -c -I "$modules" -module-name Wide -o "$folder/Wide.o" "$folder/Wide.swift"
