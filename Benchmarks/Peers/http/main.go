// The peer of HTTPBench: net/http with client_golang's promhttp. Built with Debian's packages:
//
//	apt-get install golang-go golang-github-prometheus-client-golang-dev
//	GO111MODULE=off GOPATH=/usr/share/gocode go build -o peer Benchmarks/Peers/http/main.go
package main

import (
	"fmt"
	"net"
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// pool registers what a pool has: eleven numbers and a histogram.
func pool(registry *prometheus.Registry) {
	for number := 0; number < 11; number++ {
		gauge := prometheus.NewGauge(prometheus.GaugeOpts{
			Name: fmt.Sprintf("pool_figure_%d", number), Help: "A figure of the pool.",
		})
		gauge.Set(float64(number))
		registry.MustRegister(gauge)
	}
	wait := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "pool_acquire_seconds", Help: "Wait for a connection.", Buckets: prometheus.DefBuckets,
	})
	for number := 0; number < 1000; number++ {
		wait.Observe(float64(number) / 1000)
	}
	registry.MustRegister(wait)
}

func page(registry *prometheus.Registry) http.Handler {
	return promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true})
}

func main() {
	small, large := prometheus.NewRegistry(), prometheus.NewRegistry()
	pool(small)
	pool(large)
	requests := prometheus.NewCounterVec(
		prometheus.CounterOpts{Name: "http_requests_total", Help: "Requests served."}, []string{"method", "path", "status"})
	large.MustRegister(requests)
	for number := 0; number < 1000; number++ {
		requests.WithLabelValues("GET", fmt.Sprintf("/some/path/%d", number), "200").Add(float64(number * 31))
	}
	http.Handle("/metrics", page(large))
	http.Handle("/metrics12", page(small))
	http.HandleFunc("/livez", func(writer http.ResponseWriter, request *http.Request) {
		writer.Header().Set("Content-Type", "application/json")
		writer.Write([]byte(`{"status":"alive"}`))
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	panic(http.Serve(listener, nil))
}
