# Prints types.go: the providers of main.go, each of a type of its own, with constructors as people write them.
print('package main\n\nimport (\n\t"context"\n\n\t"go.uber.org/fx"\n)')
counts = (10, 100, 1000)

for i in range(max(counts)):
    # A chain: each needs the one before.
    before, number = (f"before *C{i - 1}", "before.number + 1") if i else ("", "1")
    print(f"type C{i} struct {{ number int }}")
    print(f"func NewC{i}({before}) *C{i} {{ return &C{i}{{{number}}} }}")
    # Each by itself.
    print(f"type W{i} struct {{ number int }}")
    print(f"func NewW{i}() *W{i} {{ return &W{i}{{{i + 1}}} }}")
    # The chain, with hooks.
    before = f", before *H{i - 1}" if i else ""
    print(f"type H{i} struct {{ number int }}")
    print(f"func (h *H{i}) start(context.Context) error {{ started++; return nil }}")
    print(f"func (h *H{i}) stop(context.Context) error {{ stopped++; return nil }}")
    print(f"func NewH{i}(lifecycle fx.Lifecycle{before}) *H{i} {{")
    print(f"\th := &H{i}{{{number}}}")
    print("\tlifecycle.Append(fx.Hook{OnStart: h.start, OnStop: h.stop})\n\treturn h\n}")

for count in counts:
    print(f"type all{count} struct {{\n\tfx.In")
    for i in range(count):
        print(f"\tV{i} *W{i}")
    print("}")

print("var apps = map[shape]func() *fx.App{")
for count in counts:
    last = count - 1
    invokes = {
        "chain": ("C", f"func(last *C{last}) {{ built = last.number }}"),
        "wide": ("W", f"func(all all{count}) {{ built = all.V{last}.number }}"),
        "hooks": ("H", f"func(last *H{last}) {{ built = last.number }}"),
    }
    for name, (letter, invoke) in invokes.items():
        constructors = ", ".join(f"New{letter}{i}" for i in range(count))
        print(f'\t{{"{name}", {count}}}: func() *fx.App {{')
        # One call for all: one for each takes fx longer.
        print(f"\t\treturn fx.New(fx.NopLogger, fx.Provide({constructors}), fx.Invoke({invoke}))\n\t}},")
print("}")
