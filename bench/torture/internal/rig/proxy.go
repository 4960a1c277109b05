package rig

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"

	toxiproxy "github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
)

// Direction is a way through a proxy.
type Direction string

// The ways: Requests go to the store or the server, Answers come back.
const (
	Requests Direction = "upstream"
	Answers  Direction = "downstream"
)

// Toxic is a way to spoil a connection, by toxiproxy's name for it, and its settings.
type Toxic struct {
	Kind       string
	Direction  Direction
	Attributes map[string]int
}

// Proxy stands between a caller and an address.
type Proxy struct {
	proxy *toxiproxy.Proxy
}

// StartProxy starts a proxy on a free port.
func StartProxy(name, upstream string) (*Proxy, error) {
	logger := zerolog.Nop()
	metrics := toxiproxy.NewMetricsContainer(nil)
	owner := toxiproxy.NewServer(metrics, logger)
	p := &Proxy{proxy: toxiproxy.NewProxy(owner, name, "127.0.0.1:0", upstream)}
	if err := p.proxy.Start(); err != nil {
		return nil, fmt.Errorf("start a proxy: %w", err)
	}
	return p, nil
}

// Address is where the proxy listens.
func (p *Proxy) Address() string { return p.proxy.Listen }

// Add spoils the connections that there are and those that come, until the returned function is
// called.
func (p *Proxy) Add(toxic Toxic) (remove func(context.Context) error, err error) {
	name := toxic.Kind + "-" + string(toxic.Direction)
	encoded, err := json.Marshal(map[string]any{
		"name": name, "type": toxic.Kind, "stream": toxic.Direction,
		"attributes": toxic.Attributes,
	})
	if err != nil {
		return nil, fmt.Errorf("spoil connections: %w", err)
	}
	if _, err := p.proxy.Toxics.AddToxicJson(bytes.NewReader(encoded)); err != nil {
		return nil, fmt.Errorf("spoil connections by %s: %w", toxic.Kind, err)
	}
	return func(ctx context.Context) error {
		if err := p.proxy.Toxics.RemoveToxic(ctx, name); err != nil {
			return fmt.Errorf("mend connections: %w", err)
		}
		return nil
	}, nil
}

// Cut closes every connection and refuses others until the returned function is called.
func (p *Proxy) Cut() (mend func() error) {
	p.proxy.Stop()
	return p.proxy.Start
}

// LeadTo ends every connection and has others lead to another address, as when a name or an address
// moves.
func (p *Proxy) LeadTo(upstream string) error {
	p.proxy.Stop()
	p.proxy.Upstream = upstream
	if err := p.proxy.Start(); err != nil {
		return fmt.Errorf("have a proxy lead elsewhere: %w", err)
	}
	return nil
}

// Close ends the proxy.
func (p *Proxy) Close() { p.proxy.Stop() }
