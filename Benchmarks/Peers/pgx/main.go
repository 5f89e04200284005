// What DriverBench does, done by pgx v4 as Debian has it: prints one figure a line, as "name value".
package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgx/v4"
	"github.com/jackc/pgx/v4/pgxpool"
)

type reading struct {
	ID    int64
	Label string
	At    time.Time
	Value float64
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// rate calls work until the seconds are over; work says how many things it did.
func rate(seconds float64, work func() int) float64 {
	start := time.Now()
	done := 0
	for time.Since(start).Seconds() < seconds {
		done += work()
	}
	return float64(done) / time.Since(start).Seconds()
}

func main() {
	ctx := context.Background()
	pool, err := pgxpool.Connect(ctx, os.Args[1])
	check(err)
	defer pool.Close()
	seconds := 2.0

	fmt.Printf("rows %f\n", rate(seconds, func() int {
		rows, err := pool.Query(ctx, os.Args[2])
		check(err)
		readings := make([]reading, 0, 10000)
		for rows.Next() {
			var r reading
			check(rows.Scan(&r.ID, &r.Label, &r.At, &r.Value))
			readings = append(readings, r)
		}
		check(rows.Err())
		return len(readings)
	}))

	fmt.Printf("batch %f\n", rate(seconds, func() int {
		batch := &pgx.Batch{}
		for i := 0; i < 100; i++ {
			batch.Queue("SELECT $1::int8", int64(i))
		}
		results := pool.SendBatch(ctx, batch)
		for i := 0; i < 100; i++ {
			var n int64
			check(results.QueryRow().Scan(&n))
		}
		check(results.Close())
		return 100
	}))

	fmt.Printf("acquire %f\n", rate(seconds, func() int {
		for i := 0; i < 1000; i++ {
			connection, err := pool.Acquire(ctx)
			check(err)
			connection.Release()
		}
		return 1000
	}))

	_, err = pool.Exec(ctx, "CREATE TABLE IF NOT EXISTS copied (id int8, label text)")
	check(err)
	const count = 1000000
	fmt.Printf("copy %f\n", rate(seconds, func() int {
		next := 0
		_, err := pool.CopyFrom(ctx, pgx.Identifier{"copied"}, []string{"id", "label"},
			pgx.CopyFromSlice(count, func(i int) ([]interface{}, error) {
				next = i
				return []interface{}{int64(i), "a label of some length"}, nil
			}))
		check(err)
		_, err = pool.Exec(ctx, "TRUNCATE copied")
		check(err)
		return next + 1
	}))
}
