// Verifylog checks a published log with torchwood alone: the checkpoint, every entry against the tree, growth since an
// older checkpoint, and receipts. It shares no code with the exchange.
//
//	verifylog BASE_URL VERIFIER_KEY OLDER_CHECKPOINT [RECEIPT ENTRY]...
package main

import (
	"context"
	"fmt"
	"os"

	"filippo.io/torchwood"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func main() {
	if len(os.Args) < 4 || len(os.Args)%2 != 0 {
		fmt.Fprintln(os.Stderr, "usage: verifylog BASE_URL VERIFIER_KEY OLDER_CHECKPOINT [RECEIPT ENTRY]...")
		os.Exit(2)
	}
	if err := verify(os.Args[1], os.Args[2], os.Args[3], os.Args[4:]); err != nil {
		fmt.Fprintln(os.Stderr, "not intact:", err)
		os.Exit(1)
	}
}

func verify(base, key, older string, receipts []string) error {
	ctx := context.Background()
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return fmt.Errorf("verifier key: %w", err)
	}
	policy := torchwood.ThresholdPolicy(2,
		torchwood.OriginPolicy(verifier.Name()), torchwood.SingleVerifierPolicy(verifier))
	fetcher, err := torchwood.NewTileFetcher(base)
	if err != nil {
		return err
	}
	signed, err := fetcher.ReadEndpoint(ctx, "checkpoint")
	if err != nil {
		return fmt.Errorf("fetching the checkpoint: %w", err)
	}
	checkpoint, _, err := torchwood.VerifyCheckpoint(signed, policy)
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	if err := checkEntries(ctx, fetcher, checkpoint.Tree); err != nil {
		return err
	}
	if err := checkGrowth(ctx, fetcher, checkpoint.Tree, older, policy); err != nil {
		return err
	}
	for at := 0; at < len(receipts); at += 2 {
		if err := checkReceipt(receipts[at], receipts[at+1], policy); err != nil {
			return fmt.Errorf("receipt %s: %w", receipts[at], err)
		}
	}
	fmt.Printf("intact: %d entries, %d receipts\n", checkpoint.N, len(receipts)/2)
	return nil
}

// checkEntries has the client verify every entry, once as a stream and once with a proof of its own.
func checkEntries(ctx context.Context, fetcher *torchwood.TileFetcher, tree tlog.Tree) error {
	client, err := torchwood.NewClient(fetcher)
	if err != nil {
		return err
	}
	next := int64(0)
	for index, entry := range client.AllEntries(ctx, tree, 0) {
		if index != next || len(entry) == 0 {
			return fmt.Errorf("entry %d came where %d was expected", index, next)
		}
		next++
	}
	if err := client.Err(); err != nil {
		return fmt.Errorf("entries: %w", err)
	}
	if next != tree.N {
		return fmt.Errorf("%d entries came, %d are signed for", next, tree.N)
	}
	for index := int64(0); index < tree.N; index += 1 + tree.N/10 {
		if _, _, err := client.Entry(ctx, tree, index); err != nil {
			return fmt.Errorf("entry %d: %w", index, err)
		}
	}
	return nil
}

func checkGrowth(ctx context.Context, fetcher *torchwood.TileFetcher, tree tlog.Tree, path string,
	policy torchwood.Policy) error {
	signed, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	old, _, err := torchwood.VerifyCheckpoint(signed, policy)
	if err != nil {
		return fmt.Errorf("older checkpoint: %w", err)
	}
	proof, err := tlog.ProveTree(tree.N, old.N, torchwood.TileHashReaderWithContext(ctx, tree, fetcher))
	if err != nil {
		return fmt.Errorf("growth from %d: %w", old.N, err)
	}
	if err := tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash); err != nil {
		return fmt.Errorf("growth from %d: %w", old.N, err)
	}
	return nil
}

func checkReceipt(receipt, entry string, policy torchwood.Policy) error {
	proof, err := os.ReadFile(receipt)
	if err != nil {
		return err
	}
	leaf, err := os.ReadFile(entry)
	if err != nil {
		return err
	}
	return torchwood.VerifyProof(policy, tlog.RecordHash(leaf), proof)
}
