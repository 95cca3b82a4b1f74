// Witnessedlog appends entries to a log of Tessera's own and publishes a checkpoint only when the witnesses of a policy
// have cosigned it, all by Tessera's code. It shares none with the exchange.
//
//	witnessedlog FOLDER SIGNER_KEY POLICY ENTRY...
//
// SIGNER_KEY and POLICY are files. It prints the checkpoint that was published and exits 0; or, when a witness refuses the
// tree, what it answered to each request, and exits 1.
package main

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"
)

const (
	patience = 60 * time.Second
	often    = 100 * time.Millisecond
)

func main() {
	if len(os.Args) < 5 {
		fmt.Fprintln(os.Stderr, "usage: witnessedlog FOLDER SIGNER_KEY POLICY ENTRY...")
		os.Exit(2)
	}
	checkpoint, err := publish(os.Args[1], os.Args[2], os.Args[3], os.Args[4:])
	if err != nil {
		fmt.Println("not published:", err)
		os.Exit(1)
	}
	os.Stdout.Write(checkpoint)
}

func publish(folder, signerFile, policyFile string, entries []string) ([]byte, error) {
	ctx, end := context.WithTimeout(context.Background(), patience)
	defer end()
	signer, policy, err := read(signerFile, policyFile)
	if err != nil {
		return nil, err
	}
	ctx, refuse := context.WithCancelCause(ctx)
	defer refuse(nil)
	listening := &listener{refuse: refuse}
	driver, err := posix.New(ctx, posix.Config{Path: folder, HTTPClient: &http.Client{Transport: listening}})
	if err != nil {
		return nil, err
	}
	options := tessera.NewAppendOptions().
		WithCheckpointSigner(signer).
		WithBatching(uint(len(entries)), often).
		WithCheckpointInterval(often).
		WithWitnesses(policy, &tessera.WitnessOptions{})
	appender, shutdown, reader, err := tessera.NewAppender(ctx, driver, options)
	if err != nil {
		return nil, err
	}
	awaiting := tessera.NewPublicationAwaiter(ctx, reader.ReadCheckpoint, often)
	futures := make([]tessera.IndexFuture, len(entries))
	for at, entry := range entries {
		futures[at] = appender.Add(ctx, tessera.NewEntry([]byte(entry)))
	}
	var published []byte
	for _, future := range futures {
		if _, published, err = awaiting.Await(ctx, future); err != nil {
			return nil, fmt.Errorf("%w: %w", context.Cause(ctx), err)
		}
	}
	if err := shutdown(ctx); err != nil {
		return nil, err
	}
	return published, check(published, signer, policy)
}

func read(signerFile, policyFile string) (note.Signer, tessera.WitnessGroup, error) {
	key, err := os.ReadFile(signerFile)
	if err != nil {
		return nil, tessera.WitnessGroup{}, err
	}
	signer, err := note.NewSigner(strings.TrimSpace(string(key)))
	if err != nil {
		return nil, tessera.WitnessGroup{}, err
	}
	text, err := os.ReadFile(policyFile)
	if err != nil {
		return nil, tessera.WitnessGroup{}, err
	}
	policy, err := tessera.NewWitnessGroupFromPolicy(text)
	return signer, policy, err
}

// check has Tessera's policy say once more, of the bytes that others will read, that enough have cosigned; and that it
// would say no without the cosignatures, unless it asks nobody.
func check(published []byte, signer note.Signer, policy tessera.WitnessGroup) error {
	if len(policy.Endpoints()) == 0 {
		return nil
	}
	if !policy.Satisfied(published) {
		return fmt.Errorf("the policy is not satisfied by what was published: %q", published)
	}
	var own []string
	for _, line := range strings.SplitAfter(string(published), "\n") {
		if !strings.HasPrefix(line, "— ") || strings.HasPrefix(line, "— "+signer.Name()+" ") {
			own = append(own, line)
		}
	}
	if policy.Satisfied([]byte(strings.Join(own, ""))) {
		return fmt.Errorf("the policy is satisfied by the log alone")
	}
	return nil
}

// listener passes requests on and notes what each witness answers. Tessera asks again and again for a checkpoint that
// was refused: a refusal of the tree ends that.
type listener struct {
	refuse context.CancelCauseFunc
	mutex  sync.Mutex
	heard  []string
}

func (l *listener) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.heard = append(l.heard, fmt.Sprint(response.StatusCode))
	if response.StatusCode == http.StatusUnprocessableEntity {
		l.refuse(fmt.Errorf("a witness answered %s", strings.Join(l.heard, ", ")))
	}
	return response, nil
}
