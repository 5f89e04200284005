// Whole apps of fx as ContainerBench makes them of ours: composed, built, started and stopped. types.py writes the providers.
//
//	fx SHAPE COUNT SECONDS
//
// prints the median and the best time of an app, in milliseconds, and the versions of fx and Go.
package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"sort"
	"strconv"
	"time"

	"go.uber.org/fx"
)

type shape struct {
	name  string
	count int
}

// What the last value of an app has seen, and the hooks that ran: proof that the app was an app.
var built, started, stopped int

func fail(reason ...any) {
	fmt.Fprintln(os.Stderr, reason...)
	os.Exit(1)
}

func life(compose func() *fx.App) time.Duration {
	background := context.Background()
	began := time.Now()
	app := compose()
	if err := app.Start(background); err != nil {
		fail(err)
	}
	if err := app.Stop(background); err != nil {
		fail(err)
	}
	return time.Since(began)
}

func main() {
	if len(os.Args) != 4 {
		fail("usage: fx SHAPE COUNT SECONDS")
	}
	count, _ := strconv.Atoi(os.Args[2])
	seconds, _ := strconv.ParseFloat(os.Args[3], 64)
	compose := apps[shape{os.Args[1], count}]
	if compose == nil || seconds <= 0 {
		fail("no such app:", os.Args[1], os.Args[2])
	}
	life(compose)
	var times []float64
	for end := time.Now().Add(time.Duration(seconds * 1e9)); len(times) < 5 || time.Now().Before(end); {
		built, started, stopped = 0, 0, 0
		times = append(times, life(compose).Seconds()*1000)
		if built != count || started != stopped || (os.Args[1] == "hooks") != (started == count) {
			fail("built", built, "started", started, "stopped", stopped)
		}
	}
	sort.Float64s(times)
	fmt.Println(times[len(times)/2], times[0], fx.Version, runtime.Version())
}
