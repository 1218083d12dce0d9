// What `cedar bench` measures, of cedar-go: the same arguments, the same figures.
//
//	cedar-bench --policies FILE [--schema FILE] [--entities FILE] --requests FILE [--decisions FILE] [--seconds N]
package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
)

type uid struct {
	Type types.EntityType `json:"type"`
	ID   types.String     `json:"id"`
}

type document struct {
	Principal, Action, Resource uid
	Context                     types.Record
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func read(file string) []byte {
	data, err := os.ReadFile(file)
	check(err)
	return data
}

var seconds = 2.0

// The best of a few, in milliseconds: what a quiet machine would need.
func timed(what func()) float64 {
	best := math.Inf(1)
	begin := time.Now()
	for i := 0; i < 20 && time.Since(begin).Seconds() < seconds; i++ {
		one := time.Now()
		what()
		best = min(best, time.Since(one).Seconds()*1000)
	}
	return best
}

func main() {
	options := map[string]string{}
	for i := 1; i+1 < len(os.Args); i += 2 {
		options[strings.TrimLeft(os.Args[i], "-")] = os.Args[i+1]
	}
	if s, ok := options["seconds"]; ok {
		seconds, _ = strconv.ParseFloat(s, 64)
	}
	load := map[string]float64{}

	text := read(options["policies"])
	var policies *cedar.PolicySet
	load["policies_ms"] = timed(func() {
		var err error
		policies, err = cedar.NewPolicySetFromBytes("policies.cedar", text)
		check(err)
	})
	entities := types.EntityMap{}
	if file, ok := options["entities"]; ok {
		text := read(file)
		load["entities_ms"] = timed(func() {
			entities = types.EntityMap{}
			check(json.Unmarshal(text, &entities))
		})
	}
	var documents []document
	check(json.Unmarshal(read(options["requests"]), &documents))
	var requests []cedar.Request
	for _, d := range documents {
		requests = append(requests, cedar.Request{Principal: types.NewEntityUID(d.Principal.Type, d.Principal.ID), Action: types.NewEntityUID(d.Action.Type, d.Action.ID),
			Resource: types.NewEntityUID(d.Resource.Type, d.Resource.ID), Context: d.Context})
	}

	if file, ok := options["decisions"]; ok {
		var out strings.Builder
		for _, request := range requests {
			decision, diagnostic := cedar.Authorize(policies, entities, request)
			reason, errors := []string{}, []string{}
			for _, r := range diagnostic.Reasons {
				reason = append(reason, string(r.PolicyID))
			}
			for _, e := range diagnostic.Errors {
				errors = append(errors, string(e.PolicyID))
			}
			sort.Strings(reason)
			sort.Strings(errors)
			line, _ := json.Marshal(map[string]any{"decision": map[bool]string{true: "allow", false: "deny"}[decision == cedar.Allow], "reason": reason, "errors": errors})
			out.Write(append(line, '\n'))
		}
		check(os.WriteFile(file, []byte(out.String()), 0o644))
	}

	// Warm, then one decision a sample until the time is over.
	var samples []int64
	for _, phase := range []float64{0.1, 1} {
		samples = samples[:0]
		begin := time.Now()
		for pass := 0; pass == 0 || time.Since(begin).Seconds() < seconds*phase; pass++ {
			for i := range requests {
				one := time.Now()
				cedar.Authorize(policies, entities, requests[i])
				samples = append(samples, time.Since(one).Nanoseconds())
				if time.Since(begin).Seconds() > 20*seconds {
					break
				}
			}
		}
	}
	slices.Sort(samples)
	at := func(share float64) int64 { return samples[int(float64(len(samples)-1)*share)] }
	out, _ := json.Marshal(map[string]any{"engine": "go", "policies": len(policies.Map()), "requests": len(requests), "load": load,
		"full": map[string]any{"min_ns": samples[0], "median_ns": at(0.5), "p90_ns": at(0.9), "p99_ns": at(0.99), "samples": len(samples)}})
	fmt.Println(string(out))
}
