// The stock Go clients against a running server: each step either works as it does against any Kubernetes or ends the program.
package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"
	"time"

	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

type step struct {
	name string
	run  func(ctx context.Context, config *rest.Config) error
}

var stdin = bufio.NewReader(os.Stdin)

// awaitRestart tells the test that the server may be restarted now and waits until it was.
func awaitRestart() error {
	fmt.Println("restart")
	line, err := stdin.ReadString('\n')
	if err == nil && strings.TrimSpace(line) != "restarted" {
		err = fmt.Errorf("unexpected %q", line)
	}
	return err
}

func main() {
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		fmt.Println("failed: kubeconfig:", err)
		os.Exit(1)
	}
	config.QPS, config.Burst = 200, 400
	ctx, cancel := context.WithTimeout(context.Background(), 90*time.Second)
	defer cancel()
	steps := append(clientSteps, operatorSteps...)
	for _, s := range append(steps, step{"informers come back after a restart of the server", informerSurvivesRestart}) {
		if err := s.run(ctx, config); err != nil {
			fmt.Printf("failed: %s: %v\n", s.name, err)
			os.Exit(1)
		}
		fmt.Println("ok:", s.name)
	}
}

// eventually asks again until it is so.
func eventually(ctx context.Context, what string, holds func() (bool, error)) error {
	deadline := time.Now().Add(20 * time.Second)
	for {
		ok, err := holds()
		if ok {
			return nil
		}
		if time.Now().After(deadline) || ctx.Err() != nil {
			return fmt.Errorf("%s: not in time: %v", what, err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
