CREATE TABLE journal (
	seq INTEGER NOT NULL,
	ts_us INTEGER NOT NULL,
	mono_ns INTEGER NOT NULL,
	kind TEXT NOT NULL,
	idem TEXT NOT NULL,
	writer_id TEXT NOT NULL,
	cause INTEGER,
	body TEXT NOT NULL,
	prev TEXT NOT NULL,
	hash TEXT NOT NULL,
	CONSTRAINT pk_journal PRIMARY KEY (seq),
	CONSTRAINT uq_journal_idem UNIQUE (idem),
	CONSTRAINT ck_journal_ts_us_utc_us CHECK (ts_us > 1600000000000000)
)
 STRICT;

CREATE TABLE leases (
	fence INTEGER NOT NULL,
	seq INTEGER NOT NULL,
	pid INTEGER NOT NULL,
	boot_id TEXT NOT NULL,
	purpose TEXT NOT NULL,
	taken_at INTEGER NOT NULL,
	CONSTRAINT pk_leases PRIMARY KEY (fence),
	CONSTRAINT ck_leases_taken_at_utc_us CHECK (taken_at > 1600000000000000)
)
 STRICT;

CREATE TABLE meta (
	k TEXT NOT NULL,
	v TEXT NOT NULL,
	CONSTRAINT pk_meta PRIMARY KEY (k)
)
 STRICT;

CREATE TABLE bills (
	bill_id TEXT NOT NULL,
	seq INTEGER NOT NULL,
	last_seq INTEGER NOT NULL,
	type TEXT NOT NULL,
	sub_type TEXT NOT NULL,
	ccy TEXT NOT NULL,
	balance_change TEXT NOT NULL,
	balance TEXT NOT NULL,
	inst_id TEXT,
	order_id TEXT,
	trade_id TEXT,
	billed_at INTEGER NOT NULL,
	matched_to TEXT,
	matched_at INTEGER,
	CONSTRAINT pk_bills PRIMARY KEY (bill_id),
	CONSTRAINT fk_bills_seq FOREIGN KEY(seq) REFERENCES journal (seq),
	CONSTRAINT fk_bills_last_seq FOREIGN KEY(last_seq) REFERENCES journal (seq),
	CONSTRAINT ck_bills_balance_change_exact CHECK (balance_change NOT GLOB '*[^-.0-9]*' AND balance_change GLOB '*[0-9]' AND substr(balance_change, 2) NOT GLOB '*-*' AND balance_change NOT GLOB '*.*.*' AND (balance_change GLOB '[1-9]*' OR balance_change GLOB '-[1-9]*' OR balance_change = '0' OR balance_change GLOB '0.*' OR (balance_change GLOB '-0.*' AND balance_change GLOB '*[1-9]*'))),
	CONSTRAINT ck_bills_balance_exact CHECK (balance NOT GLOB '*[^-.0-9]*' AND balance GLOB '*[0-9]' AND substr(balance, 2) NOT GLOB '*-*' AND balance NOT GLOB '*.*.*' AND (balance GLOB '[1-9]*' OR balance GLOB '-[1-9]*' OR balance = '0' OR balance GLOB '0.*' OR (balance GLOB '-0.*' AND balance GLOB '*[1-9]*'))),
	CONSTRAINT ck_bills_billed_at_utc_us CHECK (billed_at > 1600000000000000),
	CONSTRAINT ck_bills_matched_at_utc_us CHECK (matched_at > 1600000000000000)
)
 STRICT;

CREATE TABLE closures (
	position_id TEXT NOT NULL,
	seq INTEGER NOT NULL,
	session_id TEXT,
	inst_id TEXT NOT NULL,
	side TEXT NOT NULL,
	cause TEXT NOT NULL,
	closed_by TEXT NOT NULL,
	evidence TEXT NOT NULL,
	pre_close TEXT NOT NULL,
	contracts TEXT NOT NULL,
	entry_price TEXT NOT NULL,
	exit_price TEXT,
	gross TEXT NOT NULL,
	fees TEXT NOT NULL,
	funding TEXT NOT NULL,
	net TEXT NOT NULL,
	maker_share TEXT,
	mae TEXT,
	mfe TEXT,
	leverage TEXT,
	regime TEXT,
	held_us INTEGER NOT NULL,
	opened_at INTEGER NOT NULL,
	closed_at INTEGER NOT NULL,
	CONSTRAINT pk_closures PRIMARY KEY (position_id),
	CONSTRAINT fk_closures_seq FOREIGN KEY(seq) REFERENCES journal (seq),
	CONSTRAINT ck_closures_contracts_exact CHECK (contracts NOT GLOB '*[^-.0-9]*' AND contracts GLOB '*[0-9]' AND substr(contracts, 2) NOT GLOB '*-*' AND contracts NOT GLOB '*.*.*' AND (contracts GLOB '[1-9]*' OR contracts GLOB '-[1-9]*' OR contracts = '0' OR contracts GLOB '0.*' OR (contracts GLOB '-0.*' AND contracts GLOB '*[1-9]*'))),
	CONSTRAINT ck_closures_entry_price_exact CHECK (entry_price NOT GLOB '*[^-.0-9]*' AND entry_price GLOB '*[0-9]' AND substr(entry_price, 2) NOT GLOB '*-*' AND entry_price NOT GLOB '*.*.*' AND (entry_price GLOB '[1-9]*' OR entry_price GLOB '-[1-9]*' OR entry_price = '0' OR entry_price GLOB '0.*' OR (entry_price GLOB '-0.*' AND entry_price GLOB '*[1-9]*'))),
	CONSTRAINT ck_closures_exit_price_exact CHECK (exit_price NOT GLOB '*[^-.0-9]*' AND exit_price GLOB '*[0-9]' AND substr(exit_price, 2) NOT GLOB '*-*' AND exit_price NOT GLOB '*.*.*' AND (exit_price GLOB '[1-9]*' OR exit_price GLOB '-[1-9]*' OR exit_price = '0' OR exit_price GLOB '0.*' OR (exit_price GLOB '-0.*' AND exit_price GLOB '*[1-9]*'))),
	CONSTRAINT ck_closures_gross_exact CHECK (gross NOT GLOB '*[^-.0-9]*' AND gross GLOB '*[0-9]' AND substr(gross, 2) NOT GLOB '*-*' AND gross NOT GLOB '*.*.*' AND (gross GLOB '[1-9]*' OR gross GLOB '-[1-9]*' OR gross = '0' OR gross GLOB '0.*' OR (gross GLOB '-0.*' AND gross GLOB '*[1-9]*'))),
	CONSTRAINT ck_closures_fees_exact CHECK (fees NOT GLOB '*[^-.0-9]*' AND fees GLOB '*[0-9]' AND substr(fees, 2) NOT GLOB '*-*' AND fees NOT GLOB '*.*.*' AND (fees GLOB '[1-9]*' OR fees GLOB '-[1-9]*' OR fees = '0' OR fees GLOB '0.*' OR (fees GLOB '-0.*' AND fees GLOB '*[1-9]*'))),
	CONSTRAINT ck_closures_funding_exact CHECK (funding NOT GLOB '*[^-.0-9]*' AND funding GLOB '*[0-9]' AND substr(funding, 2) NOT GLOB '*-*' AND funding NOT GLOB '*.*.*' AND (funding GLOB '[1-9]*' OR funding GLOB '-[1-9]*' OR funding = '0' OR funding GLOB '0.*' OR (funding GLOB '-0.*' AND funding GLOB '*[1-9]*'))),
	CONSTRAINT ck_closures_net_exact CHECK (net NOT GLOB '*[^-.0-9]*' AND net GLOB '*[0-9]' AND substr(net, 2) NOT GLOB '*-*' AND net NOT GLOB '*.*.*' AND (net GLOB '[1-9]*' OR net GLOB '-[1-9]*' OR net = '0' OR net GLOB '0.*' OR (net GLOB '-0.*' AND net GLOB '*[1-9]*'))),
	CONSTRAINT ck_closures_maker_share_exact CHECK (maker_share NOT GLOB '*[^-.0-9]*' AND maker_share GLOB '*[0-9]' AND substr(maker_share, 2) NOT GLOB '*-*' AND maker_share NOT GLOB '*.*.*' AND (maker_share GLOB '[1-9]*' OR maker_share GLOB '-[1-9]*' OR maker_share = '0' OR maker_share GLOB '0.*' OR (maker_share GLOB '-0.*' AND maker_share GLOB '*[1-9]*'))),
	CONSTRAINT ck_closures_mae_exact CHECK (mae NOT GLOB '*[^-.0-9]*' AND mae GLOB '*[0-9]' AND substr(mae, 2) NOT GLOB '*-*' AND mae NOT GLOB '*.*.*' AND (mae GLOB '[1-9]*' OR mae GLOB '-[1-9]*' OR mae = '0' OR mae GLOB '0.*' OR (mae GLOB '-0.*' AND mae GLOB '*[1-9]*'))),
	CONSTRAINT ck_closures_mfe_exact CHECK (mfe NOT GLOB '*[^-.0-9]*' AND mfe GLOB '*[0-9]' AND substr(mfe, 2) NOT GLOB '*-*' AND mfe NOT GLOB '*.*.*' AND (mfe GLOB '[1-9]*' OR mfe GLOB '-[1-9]*' OR mfe = '0' OR mfe GLOB '0.*' OR (mfe GLOB '-0.*' AND mfe GLOB '*[1-9]*'))),
	CONSTRAINT ck_closures_leverage_exact CHECK (leverage NOT GLOB '*[^-.0-9]*' AND leverage GLOB '*[0-9]' AND substr(leverage, 2) NOT GLOB '*-*' AND leverage NOT GLOB '*.*.*' AND (leverage GLOB '[1-9]*' OR leverage GLOB '-[1-9]*' OR leverage = '0' OR leverage GLOB '0.*' OR (leverage GLOB '-0.*' AND leverage GLOB '*[1-9]*'))),
	CONSTRAINT ck_closures_opened_at_utc_us CHECK (opened_at > 1600000000000000),
	CONSTRAINT ck_closures_closed_at_utc_us CHECK (closed_at > 1600000000000000)
)
 STRICT;

CREATE TABLE connection_events (
	seq INTEGER NOT NULL,
	session_id TEXT,
	at INTEGER NOT NULL,
	connection TEXT NOT NULL,
	event TEXT NOT NULL,
	detail TEXT NOT NULL,
	CONSTRAINT pk_connection_events PRIMARY KEY (seq),
	CONSTRAINT fk_connection_events_seq FOREIGN KEY(seq) REFERENCES journal (seq)
)
 STRICT;

CREATE TABLE corrections (
	seq INTEGER NOT NULL,
	wrong_seq INTEGER NOT NULL,
	reason TEXT NOT NULL,
	corrected_by TEXT NOT NULL,
	corrected_at INTEGER NOT NULL,
	CONSTRAINT pk_corrections PRIMARY KEY (seq),
	CONSTRAINT fk_corrections_seq FOREIGN KEY(seq) REFERENCES journal (seq),
	CONSTRAINT fk_corrections_wrong_seq FOREIGN KEY(wrong_seq) REFERENCES journal (seq),
	CONSTRAINT ck_corrections_corrected_at_utc_us CHECK (corrected_at > 1600000000000000)
)
 STRICT;

CREATE TABLE decisions (
	decision_id TEXT NOT NULL,
	seq INTEGER NOT NULL,
	session_id TEXT NOT NULL,
	position_id TEXT,
	inst_id TEXT NOT NULL,
	decided_at INTEGER NOT NULL,
	subject TEXT NOT NULL,
	outcome TEXT NOT NULL,
	winner TEXT,
	verdicts TEXT NOT NULL,
	gates TEXT NOT NULL,
	evidence TEXT NOT NULL,
	parameters TEXT NOT NULL,
	CONSTRAINT pk_decisions PRIMARY KEY (decision_id),
	CONSTRAINT fk_decisions_seq FOREIGN KEY(seq) REFERENCES journal (seq),
	CONSTRAINT ck_decisions_decided_at_utc_us CHECK (decided_at > 1600000000000000)
)
 STRICT;

CREATE TABLE drifts (
	drift_id TEXT NOT NULL,
	seq INTEGER NOT NULL,
	last_seq INTEGER NOT NULL,
	session_id TEXT,
	kind TEXT NOT NULL,
	inst_id TEXT,
	position_id TEXT,
	ours TEXT NOT NULL,
	theirs TEXT NOT NULL,
	detected_at INTEGER NOT NULL,
	explained_at INTEGER,
	cause TEXT,
	confidence TEXT,
	evidence TEXT,
	action TEXT NOT NULL,
	resolved_at INTEGER,
	CONSTRAINT pk_drifts PRIMARY KEY (drift_id),
	CONSTRAINT fk_drifts_seq FOREIGN KEY(seq) REFERENCES journal (seq),
	CONSTRAINT fk_drifts_last_seq FOREIGN KEY(last_seq) REFERENCES journal (seq),
	CONSTRAINT ck_drifts_detected_at_utc_us CHECK (detected_at > 1600000000000000),
	CONSTRAINT ck_drifts_explained_at_utc_us CHECK (explained_at > 1600000000000000),
	CONSTRAINT ck_drifts_resolved_at_utc_us CHECK (resolved_at > 1600000000000000)
)
 STRICT;

CREATE TABLE entries (
	entry_id TEXT NOT NULL,
	seq INTEGER NOT NULL,
	position_id TEXT NOT NULL,
	client_id TEXT,
	decision_id TEXT,
	signal TEXT,
	strength TEXT,
	regime TEXT,
	sizing TEXT NOT NULL,
	leverage_requested TEXT,
	leverage_granted TEXT,
	margin TEXT,
	decision_price TEXT,
	average_price TEXT NOT NULL,
	contracts TEXT NOT NULL,
	fees TEXT NOT NULL,
	entered_at INTEGER NOT NULL,
	CONSTRAINT pk_entries PRIMARY KEY (entry_id),
	CONSTRAINT fk_entries_seq FOREIGN KEY(seq) REFERENCES journal (seq),
	CONSTRAINT ck_entries_strength_exact CHECK (strength NOT GLOB '*[^-.0-9]*' AND strength GLOB '*[0-9]' AND substr(strength, 2) NOT GLOB '*-*' AND strength NOT GLOB '*.*.*' AND (strength GLOB '[1-9]*' OR strength GLOB '-[1-9]*' OR strength = '0' OR strength GLOB '0.*' OR (strength GLOB '-0.*' AND strength GLOB '*[1-9]*'))),
	CONSTRAINT ck_entries_leverage_requested_exact CHECK (leverage_requested NOT GLOB '*[^-.0-9]*' AND leverage_requested GLOB '*[0-9]' AND substr(leverage_requested, 2) NOT GLOB '*-*' AND leverage_requested NOT GLOB '*.*.*' AND (leverage_requested GLOB '[1-9]*' OR leverage_requested GLOB '-[1-9]*' OR leverage_requested = '0' OR leverage_requested GLOB '0.*' OR (leverage_requested GLOB '-0.*' AND leverage_requested GLOB '*[1-9]*'))),
	CONSTRAINT ck_entries_leverage_granted_exact CHECK (leverage_granted NOT GLOB '*[^-.0-9]*' AND leverage_granted GLOB '*[0-9]' AND substr(leverage_granted, 2) NOT GLOB '*-*' AND leverage_granted NOT GLOB '*.*.*' AND (leverage_granted GLOB '[1-9]*' OR leverage_granted GLOB '-[1-9]*' OR leverage_granted = '0' OR leverage_granted GLOB '0.*' OR (leverage_granted GLOB '-0.*' AND leverage_granted GLOB '*[1-9]*'))),
	CONSTRAINT ck_entries_margin_exact CHECK (margin NOT GLOB '*[^-.0-9]*' AND margin GLOB '*[0-9]' AND substr(margin, 2) NOT GLOB '*-*' AND margin NOT GLOB '*.*.*' AND (margin GLOB '[1-9]*' OR margin GLOB '-[1-9]*' OR margin = '0' OR margin GLOB '0.*' OR (margin GLOB '-0.*' AND margin GLOB '*[1-9]*'))),
	CONSTRAINT ck_entries_decision_price_exact CHECK (decision_price NOT GLOB '*[^-.0-9]*' AND decision_price GLOB '*[0-9]' AND substr(decision_price, 2) NOT GLOB '*-*' AND decision_price NOT GLOB '*.*.*' AND (decision_price GLOB '[1-9]*' OR decision_price GLOB '-[1-9]*' OR decision_price = '0' OR decision_price GLOB '0.*' OR (decision_price GLOB '-0.*' AND decision_price GLOB '*[1-9]*'))),
	CONSTRAINT ck_entries_average_price_exact CHECK (average_price NOT GLOB '*[^-.0-9]*' AND average_price GLOB '*[0-9]' AND substr(average_price, 2) NOT GLOB '*-*' AND average_price NOT GLOB '*.*.*' AND (average_price GLOB '[1-9]*' OR average_price GLOB '-[1-9]*' OR average_price = '0' OR average_price GLOB '0.*' OR (average_price GLOB '-0.*' AND average_price GLOB '*[1-9]*'))),
	CONSTRAINT ck_entries_contracts_exact CHECK (contracts NOT GLOB '*[^-.0-9]*' AND contracts GLOB '*[0-9]' AND substr(contracts, 2) NOT GLOB '*-*' AND contracts NOT GLOB '*.*.*' AND (contracts GLOB '[1-9]*' OR contracts GLOB '-[1-9]*' OR contracts = '0' OR contracts GLOB '0.*' OR (contracts GLOB '-0.*' AND contracts GLOB '*[1-9]*'))),
	CONSTRAINT ck_entries_fees_exact CHECK (fees NOT GLOB '*[^-.0-9]*' AND fees GLOB '*[0-9]' AND substr(fees, 2) NOT GLOB '*-*' AND fees NOT GLOB '*.*.*' AND (fees GLOB '[1-9]*' OR fees GLOB '-[1-9]*' OR fees = '0' OR fees GLOB '0.*' OR (fees GLOB '-0.*' AND fees GLOB '*[1-9]*'))),
	CONSTRAINT ck_entries_entered_at_utc_us CHECK (entered_at > 1600000000000000)
)
 STRICT;

CREATE TABLE fills (
	inst_id TEXT NOT NULL,
	trade_id TEXT NOT NULL,
	order_id TEXT NOT NULL,
	seq INTEGER NOT NULL,
	client_id TEXT,
	position_id TEXT,
	action TEXT NOT NULL,
	position_side TEXT,
	price TEXT NOT NULL,
	contracts TEXT NOT NULL,
	coins TEXT NOT NULL,
	fee TEXT NOT NULL,
	fee_ccy TEXT NOT NULL,
	liquidity TEXT NOT NULL,
	exchange_pnl TEXT NOT NULL,
	sub_type TEXT NOT NULL,
	category TEXT NOT NULL,
	bill_id TEXT,
	decision_price TEXT,
	slippage TEXT,
	source TEXT NOT NULL,
	filled_at INTEGER NOT NULL,
	received_at INTEGER NOT NULL,
	CONSTRAINT pk_fills PRIMARY KEY (inst_id, trade_id, order_id),
	CONSTRAINT fk_fills_seq FOREIGN KEY(seq) REFERENCES journal (seq),
	CONSTRAINT ck_fills_price_exact CHECK (price NOT GLOB '*[^-.0-9]*' AND price GLOB '*[0-9]' AND substr(price, 2) NOT GLOB '*-*' AND price NOT GLOB '*.*.*' AND (price GLOB '[1-9]*' OR price GLOB '-[1-9]*' OR price = '0' OR price GLOB '0.*' OR (price GLOB '-0.*' AND price GLOB '*[1-9]*'))),
	CONSTRAINT ck_fills_contracts_exact CHECK (contracts NOT GLOB '*[^-.0-9]*' AND contracts GLOB '*[0-9]' AND substr(contracts, 2) NOT GLOB '*-*' AND contracts NOT GLOB '*.*.*' AND (contracts GLOB '[1-9]*' OR contracts GLOB '-[1-9]*' OR contracts = '0' OR contracts GLOB '0.*' OR (contracts GLOB '-0.*' AND contracts GLOB '*[1-9]*'))),
	CONSTRAINT ck_fills_coins_exact CHECK (coins NOT GLOB '*[^-.0-9]*' AND coins GLOB '*[0-9]' AND substr(coins, 2) NOT GLOB '*-*' AND coins NOT GLOB '*.*.*' AND (coins GLOB '[1-9]*' OR coins GLOB '-[1-9]*' OR coins = '0' OR coins GLOB '0.*' OR (coins GLOB '-0.*' AND coins GLOB '*[1-9]*'))),
	CONSTRAINT ck_fills_fee_exact CHECK (fee NOT GLOB '*[^-.0-9]*' AND fee GLOB '*[0-9]' AND substr(fee, 2) NOT GLOB '*-*' AND fee NOT GLOB '*.*.*' AND (fee GLOB '[1-9]*' OR fee GLOB '-[1-9]*' OR fee = '0' OR fee GLOB '0.*' OR (fee GLOB '-0.*' AND fee GLOB '*[1-9]*'))),
	CONSTRAINT ck_fills_exchange_pnl_exact CHECK (exchange_pnl NOT GLOB '*[^-.0-9]*' AND exchange_pnl GLOB '*[0-9]' AND substr(exchange_pnl, 2) NOT GLOB '*-*' AND exchange_pnl NOT GLOB '*.*.*' AND (exchange_pnl GLOB '[1-9]*' OR exchange_pnl GLOB '-[1-9]*' OR exchange_pnl = '0' OR exchange_pnl GLOB '0.*' OR (exchange_pnl GLOB '-0.*' AND exchange_pnl GLOB '*[1-9]*'))),
	CONSTRAINT ck_fills_decision_price_exact CHECK (decision_price NOT GLOB '*[^-.0-9]*' AND decision_price GLOB '*[0-9]' AND substr(decision_price, 2) NOT GLOB '*-*' AND decision_price NOT GLOB '*.*.*' AND (decision_price GLOB '[1-9]*' OR decision_price GLOB '-[1-9]*' OR decision_price = '0' OR decision_price GLOB '0.*' OR (decision_price GLOB '-0.*' AND decision_price GLOB '*[1-9]*'))),
	CONSTRAINT ck_fills_slippage_exact CHECK (slippage NOT GLOB '*[^-.0-9]*' AND slippage GLOB '*[0-9]' AND substr(slippage, 2) NOT GLOB '*-*' AND slippage NOT GLOB '*.*.*' AND (slippage GLOB '[1-9]*' OR slippage GLOB '-[1-9]*' OR slippage = '0' OR slippage GLOB '0.*' OR (slippage GLOB '-0.*' AND slippage GLOB '*[1-9]*'))),
	CONSTRAINT ck_fills_filled_at_utc_us CHECK (filled_at > 1600000000000000),
	CONSTRAINT ck_fills_received_at_utc_us CHECK (received_at > 1600000000000000)
)
 STRICT;

CREATE TABLE heartbeats (
	seq INTEGER NOT NULL,
	session_id TEXT NOT NULL,
	at INTEGER NOT NULL,
	loop_lag_us INTEGER NOT NULL,
	commit_p99_us INTEGER NOT NULL,
	wal_bytes INTEGER NOT NULL,
	rss_bytes INTEGER NOT NULL,
	open_files INTEGER NOT NULL,
	inbox_length INTEGER NOT NULL,
	clock_offset_us INTEGER,
	channel_ages TEXT NOT NULL,
	limits TEXT NOT NULL,
	CONSTRAINT pk_heartbeats PRIMARY KEY (seq),
	CONSTRAINT fk_heartbeats_seq FOREIGN KEY(seq) REFERENCES journal (seq)
)
 STRICT;

CREATE TABLE instruments (
	inst_id TEXT NOT NULL,
	version INTEGER NOT NULL,
	seq INTEGER NOT NULL,
	ct_val TEXT NOT NULL,
	ct_mult TEXT NOT NULL,
	lot_size TEXT NOT NULL,
	min_contracts TEXT NOT NULL,
	tick_size TEXT NOT NULL,
	settle_ccy TEXT NOT NULL,
	leverage_max TEXT NOT NULL,
	state TEXT NOT NULL,
	valid_from_at INTEGER NOT NULL,
	CONSTRAINT pk_instruments PRIMARY KEY (inst_id, version),
	CONSTRAINT fk_instruments_seq FOREIGN KEY(seq) REFERENCES journal (seq),
	CONSTRAINT ck_instruments_ct_val_exact CHECK (ct_val NOT GLOB '*[^-.0-9]*' AND ct_val GLOB '*[0-9]' AND substr(ct_val, 2) NOT GLOB '*-*' AND ct_val NOT GLOB '*.*.*' AND (ct_val GLOB '[1-9]*' OR ct_val GLOB '-[1-9]*' OR ct_val = '0' OR ct_val GLOB '0.*' OR (ct_val GLOB '-0.*' AND ct_val GLOB '*[1-9]*'))),
	CONSTRAINT ck_instruments_ct_mult_exact CHECK (ct_mult NOT GLOB '*[^-.0-9]*' AND ct_mult GLOB '*[0-9]' AND substr(ct_mult, 2) NOT GLOB '*-*' AND ct_mult NOT GLOB '*.*.*' AND (ct_mult GLOB '[1-9]*' OR ct_mult GLOB '-[1-9]*' OR ct_mult = '0' OR ct_mult GLOB '0.*' OR (ct_mult GLOB '-0.*' AND ct_mult GLOB '*[1-9]*'))),
	CONSTRAINT ck_instruments_lot_size_exact CHECK (lot_size NOT GLOB '*[^-.0-9]*' AND lot_size GLOB '*[0-9]' AND substr(lot_size, 2) NOT GLOB '*-*' AND lot_size NOT GLOB '*.*.*' AND (lot_size GLOB '[1-9]*' OR lot_size GLOB '-[1-9]*' OR lot_size = '0' OR lot_size GLOB '0.*' OR (lot_size GLOB '-0.*' AND lot_size GLOB '*[1-9]*'))),
	CONSTRAINT ck_instruments_min_contracts_exact CHECK (min_contracts NOT GLOB '*[^-.0-9]*' AND min_contracts GLOB '*[0-9]' AND substr(min_contracts, 2) NOT GLOB '*-*' AND min_contracts NOT GLOB '*.*.*' AND (min_contracts GLOB '[1-9]*' OR min_contracts GLOB '-[1-9]*' OR min_contracts = '0' OR min_contracts GLOB '0.*' OR (min_contracts GLOB '-0.*' AND min_contracts GLOB '*[1-9]*'))),
	CONSTRAINT ck_instruments_tick_size_exact CHECK (tick_size NOT GLOB '*[^-.0-9]*' AND tick_size GLOB '*[0-9]' AND substr(tick_size, 2) NOT GLOB '*-*' AND tick_size NOT GLOB '*.*.*' AND (tick_size GLOB '[1-9]*' OR tick_size GLOB '-[1-9]*' OR tick_size = '0' OR tick_size GLOB '0.*' OR (tick_size GLOB '-0.*' AND tick_size GLOB '*[1-9]*'))),
	CONSTRAINT ck_instruments_leverage_max_exact CHECK (leverage_max NOT GLOB '*[^-.0-9]*' AND leverage_max GLOB '*[0-9]' AND substr(leverage_max, 2) NOT GLOB '*-*' AND leverage_max NOT GLOB '*.*.*' AND (leverage_max GLOB '[1-9]*' OR leverage_max GLOB '-[1-9]*' OR leverage_max = '0' OR leverage_max GLOB '0.*' OR (leverage_max GLOB '-0.*' AND leverage_max GLOB '*[1-9]*'))),
	CONSTRAINT ck_instruments_valid_from_at_utc_us CHECK (valid_from_at > 1600000000000000)
)
 STRICT;

CREATE TABLE leverage_choices (
	seq INTEGER NOT NULL,
	session_id TEXT,
	position_id TEXT,
	inst_id TEXT NOT NULL,
	at INTEGER NOT NULL,
	strength TEXT NOT NULL,
	regime_multiplier TEXT NOT NULL,
	volatility_multiplier TEXT NOT NULL,
	adjusted_strength TEXT NOT NULL,
	category TEXT NOT NULL,
	requested TEXT NOT NULL,
	capped TEXT NOT NULL,
	granted TEXT,
	working TEXT NOT NULL,
	CONSTRAINT pk_leverage_choices PRIMARY KEY (seq),
	CONSTRAINT fk_leverage_choices_seq FOREIGN KEY(seq) REFERENCES journal (seq),
	CONSTRAINT ck_leverage_choices_strength_exact CHECK (strength NOT GLOB '*[^-.0-9]*' AND strength GLOB '*[0-9]' AND substr(strength, 2) NOT GLOB '*-*' AND strength NOT GLOB '*.*.*' AND (strength GLOB '[1-9]*' OR strength GLOB '-[1-9]*' OR strength = '0' OR strength GLOB '0.*' OR (strength GLOB '-0.*' AND strength GLOB '*[1-9]*'))),
	CONSTRAINT ck_leverage_choices_regime_multiplier_exact CHECK (regime_multiplier NOT GLOB '*[^-.0-9]*' AND regime_multiplier GLOB '*[0-9]' AND substr(regime_multiplier, 2) NOT GLOB '*-*' AND regime_multiplier NOT GLOB '*.*.*' AND (regime_multiplier GLOB '[1-9]*' OR regime_multiplier GLOB '-[1-9]*' OR regime_multiplier = '0' OR regime_multiplier GLOB '0.*' OR (regime_multiplier GLOB '-0.*' AND regime_multiplier GLOB '*[1-9]*'))),
	CONSTRAINT ck_leverage_choices_volatility_multiplier_exact CHECK (volatility_multiplier NOT GLOB '*[^-.0-9]*' AND volatility_multiplier GLOB '*[0-9]' AND substr(volatility_multiplier, 2) NOT GLOB '*-*' AND volatility_multiplier NOT GLOB '*.*.*' AND (volatility_multiplier GLOB '[1-9]*' OR volatility_multiplier GLOB '-[1-9]*' OR volatility_multiplier = '0' OR volatility_multiplier GLOB '0.*' OR (volatility_multiplier GLOB '-0.*' AND volatility_multiplier GLOB '*[1-9]*'))),
	CONSTRAINT ck_leverage_choices_adjusted_strength_exact CHECK (adjusted_strength NOT GLOB '*[^-.0-9]*' AND adjusted_strength GLOB '*[0-9]' AND substr(adjusted_strength, 2) NOT GLOB '*-*' AND adjusted_strength NOT GLOB '*.*.*' AND (adjusted_strength GLOB '[1-9]*' OR adjusted_strength GLOB '-[1-9]*' OR adjusted_strength = '0' OR adjusted_strength GLOB '0.*' OR (adjusted_strength GLOB '-0.*' AND adjusted_strength GLOB '*[1-9]*'))),
	CONSTRAINT ck_leverage_choices_requested_exact CHECK (requested NOT GLOB '*[^-.0-9]*' AND requested GLOB '*[0-9]' AND substr(requested, 2) NOT GLOB '*-*' AND requested NOT GLOB '*.*.*' AND (requested GLOB '[1-9]*' OR requested GLOB '-[1-9]*' OR requested = '0' OR requested GLOB '0.*' OR (requested GLOB '-0.*' AND requested GLOB '*[1-9]*'))),
	CONSTRAINT ck_leverage_choices_capped_exact CHECK (capped NOT GLOB '*[^-.0-9]*' AND capped GLOB '*[0-9]' AND substr(capped, 2) NOT GLOB '*-*' AND capped NOT GLOB '*.*.*' AND (capped GLOB '[1-9]*' OR capped GLOB '-[1-9]*' OR capped = '0' OR capped GLOB '0.*' OR (capped GLOB '-0.*' AND capped GLOB '*[1-9]*'))),
	CONSTRAINT ck_leverage_choices_granted_exact CHECK (granted NOT GLOB '*[^-.0-9]*' AND granted GLOB '*[0-9]' AND substr(granted, 2) NOT GLOB '*-*' AND granted NOT GLOB '*.*.*' AND (granted GLOB '[1-9]*' OR granted GLOB '-[1-9]*' OR granted = '0' OR granted GLOB '0.*' OR (granted GLOB '-0.*' AND granted GLOB '*[1-9]*')))
)
 STRICT;

CREATE TABLE limit_latches (
	latch_id TEXT NOT NULL,
	seq INTEGER NOT NULL,
	last_seq INTEGER NOT NULL,
	session_id TEXT,
	name TEXT NOT NULL,
	reason TEXT NOT NULL,
	value TEXT,
	threshold TEXT,
	latched_at INTEGER NOT NULL,
	cleared_at INTEGER,
	cleared_by TEXT,
	clear_reason TEXT,
	CONSTRAINT pk_limit_latches PRIMARY KEY (latch_id),
	CONSTRAINT fk_limit_latches_seq FOREIGN KEY(seq) REFERENCES journal (seq),
	CONSTRAINT fk_limit_latches_last_seq FOREIGN KEY(last_seq) REFERENCES journal (seq),
	CONSTRAINT ck_limit_latches_value_exact CHECK (value NOT GLOB '*[^-.0-9]*' AND value GLOB '*[0-9]' AND substr(value, 2) NOT GLOB '*-*' AND value NOT GLOB '*.*.*' AND (value GLOB '[1-9]*' OR value GLOB '-[1-9]*' OR value = '0' OR value GLOB '0.*' OR (value GLOB '-0.*' AND value GLOB '*[1-9]*'))),
	CONSTRAINT ck_limit_latches_threshold_exact CHECK (threshold NOT GLOB '*[^-.0-9]*' AND threshold GLOB '*[0-9]' AND substr(threshold, 2) NOT GLOB '*-*' AND threshold NOT GLOB '*.*.*' AND (threshold GLOB '[1-9]*' OR threshold GLOB '-[1-9]*' OR threshold = '0' OR threshold GLOB '0.*' OR (threshold GLOB '-0.*' AND threshold GLOB '*[1-9]*'))),
	CONSTRAINT ck_limit_latches_latched_at_utc_us CHECK (latched_at > 1600000000000000),
	CONSTRAINT ck_limit_latches_cleared_at_utc_us CHECK (cleared_at > 1600000000000000)
)
 STRICT;

CREATE TABLE margin_checks (
	seq INTEGER NOT NULL,
	session_id TEXT,
	position_id TEXT,
	inst_id TEXT NOT NULL,
	at INTEGER NOT NULL,
	margin_ratio TEXT,
	margin_ratio_recomputed TEXT,
	liquidation_price TEXT,
	mark_price TEXT,
	imr TEXT,
	mmr TEXT,
	trusted INTEGER NOT NULL,
	why TEXT NOT NULL,
	components TEXT NOT NULL,
	CONSTRAINT pk_margin_checks PRIMARY KEY (seq),
	CONSTRAINT fk_margin_checks_seq FOREIGN KEY(seq) REFERENCES journal (seq),
	CONSTRAINT ck_margin_checks_margin_ratio_exact CHECK (margin_ratio NOT GLOB '*[^-.0-9]*' AND margin_ratio GLOB '*[0-9]' AND substr(margin_ratio, 2) NOT GLOB '*-*' AND margin_ratio NOT GLOB '*.*.*' AND (margin_ratio GLOB '[1-9]*' OR margin_ratio GLOB '-[1-9]*' OR margin_ratio = '0' OR margin_ratio GLOB '0.*' OR (margin_ratio GLOB '-0.*' AND margin_ratio GLOB '*[1-9]*'))),
	CONSTRAINT ck_margin_checks_margin_ratio_recomputed_exact CHECK (margin_ratio_recomputed NOT GLOB '*[^-.0-9]*' AND margin_ratio_recomputed GLOB '*[0-9]' AND substr(margin_ratio_recomputed, 2) NOT GLOB '*-*' AND margin_ratio_recomputed NOT GLOB '*.*.*' AND (margin_ratio_recomputed GLOB '[1-9]*' OR margin_ratio_recomputed GLOB '-[1-9]*' OR margin_ratio_recomputed = '0' OR margin_ratio_recomputed GLOB '0.*' OR (margin_ratio_recomputed GLOB '-0.*' AND margin_ratio_recomputed GLOB '*[1-9]*'))),
	CONSTRAINT ck_margin_checks_liquidation_price_exact CHECK (liquidation_price NOT GLOB '*[^-.0-9]*' AND liquidation_price GLOB '*[0-9]' AND substr(liquidation_price, 2) NOT GLOB '*-*' AND liquidation_price NOT GLOB '*.*.*' AND (liquidation_price GLOB '[1-9]*' OR liquidation_price GLOB '-[1-9]*' OR liquidation_price = '0' OR liquidation_price GLOB '0.*' OR (liquidation_price GLOB '-0.*' AND liquidation_price GLOB '*[1-9]*'))),
	CONSTRAINT ck_margin_checks_mark_price_exact CHECK (mark_price NOT GLOB '*[^-.0-9]*' AND mark_price GLOB '*[0-9]' AND substr(mark_price, 2) NOT GLOB '*-*' AND mark_price NOT GLOB '*.*.*' AND (mark_price GLOB '[1-9]*' OR mark_price GLOB '-[1-9]*' OR mark_price = '0' OR mark_price GLOB '0.*' OR (mark_price GLOB '-0.*' AND mark_price GLOB '*[1-9]*'))),
	CONSTRAINT ck_margin_checks_imr_exact CHECK (imr NOT GLOB '*[^-.0-9]*' AND imr GLOB '*[0-9]' AND substr(imr, 2) NOT GLOB '*-*' AND imr NOT GLOB '*.*.*' AND (imr GLOB '[1-9]*' OR imr GLOB '-[1-9]*' OR imr = '0' OR imr GLOB '0.*' OR (imr GLOB '-0.*' AND imr GLOB '*[1-9]*'))),
	CONSTRAINT ck_margin_checks_mmr_exact CHECK (mmr NOT GLOB '*[^-.0-9]*' AND mmr GLOB '*[0-9]' AND substr(mmr, 2) NOT GLOB '*-*' AND mmr NOT GLOB '*.*.*' AND (mmr GLOB '[1-9]*' OR mmr GLOB '-[1-9]*' OR mmr = '0' OR mmr GLOB '0.*' OR (mmr GLOB '-0.*' AND mmr GLOB '*[1-9]*')))
)
 STRICT;

CREATE TABLE operator_commands (
	command_id TEXT NOT NULL,
	seq INTEGER NOT NULL,
	session_id TEXT,
	command TEXT NOT NULL,
	arguments TEXT NOT NULL,
	operator TEXT NOT NULL,
	commanded_at INTEGER NOT NULL,
	outcome TEXT NOT NULL,
	CONSTRAINT pk_operator_commands PRIMARY KEY (command_id),
	CONSTRAINT fk_operator_commands_seq FOREIGN KEY(seq) REFERENCES journal (seq),
	CONSTRAINT ck_operator_commands_commanded_at_utc_us CHECK (commanded_at > 1600000000000000)
)
 STRICT;

CREATE TABLE orders (
	client_id TEXT NOT NULL,
	seq INTEGER NOT NULL,
	last_seq INTEGER NOT NULL,
	session_id TEXT,
	position_id TEXT,
	decision_id TEXT,
	role TEXT NOT NULL,
	inst_id TEXT NOT NULL,
	inst_version INTEGER NOT NULL,
	action TEXT NOT NULL,
	position_side TEXT,
	order_type TEXT NOT NULL,
	price TEXT,
	contracts TEXT NOT NULL,
	post_only INTEGER NOT NULL,
	reduce_only INTEGER NOT NULL,
	margin_mode TEXT NOT NULL,
	decision_price TEXT,
	state TEXT NOT NULL,
	order_id TEXT,
	filled_contracts TEXT NOT NULL,
	average_price TEXT,
	intended_at INTEGER NOT NULL,
	expires_at INTEGER,
	sent_at INTEGER,
	acked_at INTEGER,
	finished_at INTEGER,
	refusal_code TEXT,
	refusal TEXT,
	cancel_source TEXT,
	CONSTRAINT pk_orders PRIMARY KEY (client_id),
	CONSTRAINT fk_orders_seq FOREIGN KEY(seq) REFERENCES journal (seq),
	CONSTRAINT fk_orders_last_seq FOREIGN KEY(last_seq) REFERENCES journal (seq),
	CONSTRAINT ck_orders_price_exact CHECK (price NOT GLOB '*[^-.0-9]*' AND price GLOB '*[0-9]' AND substr(price, 2) NOT GLOB '*-*' AND price NOT GLOB '*.*.*' AND (price GLOB '[1-9]*' OR price GLOB '-[1-9]*' OR price = '0' OR price GLOB '0.*' OR (price GLOB '-0.*' AND price GLOB '*[1-9]*'))),
	CONSTRAINT ck_orders_contracts_exact CHECK (contracts NOT GLOB '*[^-.0-9]*' AND contracts GLOB '*[0-9]' AND substr(contracts, 2) NOT GLOB '*-*' AND contracts NOT GLOB '*.*.*' AND (contracts GLOB '[1-9]*' OR contracts GLOB '-[1-9]*' OR contracts = '0' OR contracts GLOB '0.*' OR (contracts GLOB '-0.*' AND contracts GLOB '*[1-9]*'))),
	CONSTRAINT ck_orders_decision_price_exact CHECK (decision_price NOT GLOB '*[^-.0-9]*' AND decision_price GLOB '*[0-9]' AND substr(decision_price, 2) NOT GLOB '*-*' AND decision_price NOT GLOB '*.*.*' AND (decision_price GLOB '[1-9]*' OR decision_price GLOB '-[1-9]*' OR decision_price = '0' OR decision_price GLOB '0.*' OR (decision_price GLOB '-0.*' AND decision_price GLOB '*[1-9]*'))),
	CONSTRAINT ck_orders_filled_contracts_exact CHECK (filled_contracts NOT GLOB '*[^-.0-9]*' AND filled_contracts GLOB '*[0-9]' AND substr(filled_contracts, 2) NOT GLOB '*-*' AND filled_contracts NOT GLOB '*.*.*' AND (filled_contracts GLOB '[1-9]*' OR filled_contracts GLOB '-[1-9]*' OR filled_contracts = '0' OR filled_contracts GLOB '0.*' OR (filled_contracts GLOB '-0.*' AND filled_contracts GLOB '*[1-9]*'))),
	CONSTRAINT ck_orders_average_price_exact CHECK (average_price NOT GLOB '*[^-.0-9]*' AND average_price GLOB '*[0-9]' AND substr(average_price, 2) NOT GLOB '*-*' AND average_price NOT GLOB '*.*.*' AND (average_price GLOB '[1-9]*' OR average_price GLOB '-[1-9]*' OR average_price = '0' OR average_price GLOB '0.*' OR (average_price GLOB '-0.*' AND average_price GLOB '*[1-9]*'))),
	CONSTRAINT ck_orders_intended_at_utc_us CHECK (intended_at > 1600000000000000),
	CONSTRAINT ck_orders_expires_at_utc_us CHECK (expires_at > 1600000000000000),
	CONSTRAINT ck_orders_sent_at_utc_us CHECK (sent_at > 1600000000000000),
	CONSTRAINT ck_orders_acked_at_utc_us CHECK (acked_at > 1600000000000000),
	CONSTRAINT ck_orders_finished_at_utc_us CHECK (finished_at > 1600000000000000)
)
 STRICT;

CREATE TABLE partial_takes (
	partial_id TEXT NOT NULL,
	seq INTEGER NOT NULL,
	position_id TEXT NOT NULL,
	inst_id TEXT NOT NULL,
	side TEXT NOT NULL,
	client_id TEXT,
	decision_id TEXT,
	taken_contracts TEXT NOT NULL,
	taken_coins TEXT NOT NULL,
	taken_ratio TEXT NOT NULL,
	remaining_contracts TEXT NOT NULL,
	remaining_coins TEXT NOT NULL,
	gross TEXT NOT NULL,
	fees TEXT NOT NULL,
	net TEXT NOT NULL,
	entry_price TEXT NOT NULL,
	exit_price TEXT NOT NULL,
	held_us INTEGER NOT NULL,
	reason TEXT NOT NULL,
	taken_at INTEGER NOT NULL,
	CONSTRAINT pk_partial_takes PRIMARY KEY (partial_id),
	CONSTRAINT fk_partial_takes_seq FOREIGN KEY(seq) REFERENCES journal (seq),
	CONSTRAINT ck_partial_takes_taken_contracts_exact CHECK (taken_contracts NOT GLOB '*[^-.0-9]*' AND taken_contracts GLOB '*[0-9]' AND substr(taken_contracts, 2) NOT GLOB '*-*' AND taken_contracts NOT GLOB '*.*.*' AND (taken_contracts GLOB '[1-9]*' OR taken_contracts GLOB '-[1-9]*' OR taken_contracts = '0' OR taken_contracts GLOB '0.*' OR (taken_contracts GLOB '-0.*' AND taken_contracts GLOB '*[1-9]*'))),
	CONSTRAINT ck_partial_takes_taken_coins_exact CHECK (taken_coins NOT GLOB '*[^-.0-9]*' AND taken_coins GLOB '*[0-9]' AND substr(taken_coins, 2) NOT GLOB '*-*' AND taken_coins NOT GLOB '*.*.*' AND (taken_coins GLOB '[1-9]*' OR taken_coins GLOB '-[1-9]*' OR taken_coins = '0' OR taken_coins GLOB '0.*' OR (taken_coins GLOB '-0.*' AND taken_coins GLOB '*[1-9]*'))),
	CONSTRAINT ck_partial_takes_taken_ratio_exact CHECK (taken_ratio NOT GLOB '*[^-.0-9]*' AND taken_ratio GLOB '*[0-9]' AND substr(taken_ratio, 2) NOT GLOB '*-*' AND taken_ratio NOT GLOB '*.*.*' AND (taken_ratio GLOB '[1-9]*' OR taken_ratio GLOB '-[1-9]*' OR taken_ratio = '0' OR taken_ratio GLOB '0.*' OR (taken_ratio GLOB '-0.*' AND taken_ratio GLOB '*[1-9]*'))),
	CONSTRAINT ck_partial_takes_remaining_contracts_exact CHECK (remaining_contracts NOT GLOB '*[^-.0-9]*' AND remaining_contracts GLOB '*[0-9]' AND substr(remaining_contracts, 2) NOT GLOB '*-*' AND remaining_contracts NOT GLOB '*.*.*' AND (remaining_contracts GLOB '[1-9]*' OR remaining_contracts GLOB '-[1-9]*' OR remaining_contracts = '0' OR remaining_contracts GLOB '0.*' OR (remaining_contracts GLOB '-0.*' AND remaining_contracts GLOB '*[1-9]*'))),
	CONSTRAINT ck_partial_takes_remaining_coins_exact CHECK (remaining_coins NOT GLOB '*[^-.0-9]*' AND remaining_coins GLOB '*[0-9]' AND substr(remaining_coins, 2) NOT GLOB '*-*' AND remaining_coins NOT GLOB '*.*.*' AND (remaining_coins GLOB '[1-9]*' OR remaining_coins GLOB '-[1-9]*' OR remaining_coins = '0' OR remaining_coins GLOB '0.*' OR (remaining_coins GLOB '-0.*' AND remaining_coins GLOB '*[1-9]*'))),
	CONSTRAINT ck_partial_takes_gross_exact CHECK (gross NOT GLOB '*[^-.0-9]*' AND gross GLOB '*[0-9]' AND substr(gross, 2) NOT GLOB '*-*' AND gross NOT GLOB '*.*.*' AND (gross GLOB '[1-9]*' OR gross GLOB '-[1-9]*' OR gross = '0' OR gross GLOB '0.*' OR (gross GLOB '-0.*' AND gross GLOB '*[1-9]*'))),
	CONSTRAINT ck_partial_takes_fees_exact CHECK (fees NOT GLOB '*[^-.0-9]*' AND fees GLOB '*[0-9]' AND substr(fees, 2) NOT GLOB '*-*' AND fees NOT GLOB '*.*.*' AND (fees GLOB '[1-9]*' OR fees GLOB '-[1-9]*' OR fees = '0' OR fees GLOB '0.*' OR (fees GLOB '-0.*' AND fees GLOB '*[1-9]*'))),
	CONSTRAINT ck_partial_takes_net_exact CHECK (net NOT GLOB '*[^-.0-9]*' AND net GLOB '*[0-9]' AND substr(net, 2) NOT GLOB '*-*' AND net NOT GLOB '*.*.*' AND (net GLOB '[1-9]*' OR net GLOB '-[1-9]*' OR net = '0' OR net GLOB '0.*' OR (net GLOB '-0.*' AND net GLOB '*[1-9]*'))),
	CONSTRAINT ck_partial_takes_entry_price_exact CHECK (entry_price NOT GLOB '*[^-.0-9]*' AND entry_price GLOB '*[0-9]' AND substr(entry_price, 2) NOT GLOB '*-*' AND entry_price NOT GLOB '*.*.*' AND (entry_price GLOB '[1-9]*' OR entry_price GLOB '-[1-9]*' OR entry_price = '0' OR entry_price GLOB '0.*' OR (entry_price GLOB '-0.*' AND entry_price GLOB '*[1-9]*'))),
	CONSTRAINT ck_partial_takes_exit_price_exact CHECK (exit_price NOT GLOB '*[^-.0-9]*' AND exit_price GLOB '*[0-9]' AND substr(exit_price, 2) NOT GLOB '*-*' AND exit_price NOT GLOB '*.*.*' AND (exit_price GLOB '[1-9]*' OR exit_price GLOB '-[1-9]*' OR exit_price = '0' OR exit_price GLOB '0.*' OR (exit_price GLOB '-0.*' AND exit_price GLOB '*[1-9]*'))),
	CONSTRAINT ck_partial_takes_taken_at_utc_us CHECK (taken_at > 1600000000000000)
)
 STRICT;

CREATE TABLE positions (
	position_id TEXT NOT NULL,
	seq INTEGER NOT NULL,
	last_seq INTEGER NOT NULL,
	session_id TEXT,
	inst_id TEXT NOT NULL,
	side TEXT NOT NULL,
	margin_mode TEXT NOT NULL,
	origin TEXT NOT NULL,
	state TEXT NOT NULL,
	contracts TEXT NOT NULL,
	entry_price TEXT,
	leverage TEXT,
	peak_price TEXT,
	trough_price TEXT,
	protection_state TEXT,
	parameter_set TEXT NOT NULL,
	opened_at INTEGER NOT NULL,
	closed_at INTEGER,
	CONSTRAINT pk_positions PRIMARY KEY (position_id),
	CONSTRAINT fk_positions_seq FOREIGN KEY(seq) REFERENCES journal (seq),
	CONSTRAINT fk_positions_last_seq FOREIGN KEY(last_seq) REFERENCES journal (seq),
	CONSTRAINT ck_positions_contracts_exact CHECK (contracts NOT GLOB '*[^-.0-9]*' AND contracts GLOB '*[0-9]' AND substr(contracts, 2) NOT GLOB '*-*' AND contracts NOT GLOB '*.*.*' AND (contracts GLOB '[1-9]*' OR contracts GLOB '-[1-9]*' OR contracts = '0' OR contracts GLOB '0.*' OR (contracts GLOB '-0.*' AND contracts GLOB '*[1-9]*'))),
	CONSTRAINT ck_positions_entry_price_exact CHECK (entry_price NOT GLOB '*[^-.0-9]*' AND entry_price GLOB '*[0-9]' AND substr(entry_price, 2) NOT GLOB '*-*' AND entry_price NOT GLOB '*.*.*' AND (entry_price GLOB '[1-9]*' OR entry_price GLOB '-[1-9]*' OR entry_price = '0' OR entry_price GLOB '0.*' OR (entry_price GLOB '-0.*' AND entry_price GLOB '*[1-9]*'))),
	CONSTRAINT ck_positions_leverage_exact CHECK (leverage NOT GLOB '*[^-.0-9]*' AND leverage GLOB '*[0-9]' AND substr(leverage, 2) NOT GLOB '*-*' AND leverage NOT GLOB '*.*.*' AND (leverage GLOB '[1-9]*' OR leverage GLOB '-[1-9]*' OR leverage = '0' OR leverage GLOB '0.*' OR (leverage GLOB '-0.*' AND leverage GLOB '*[1-9]*'))),
	CONSTRAINT ck_positions_peak_price_exact CHECK (peak_price NOT GLOB '*[^-.0-9]*' AND peak_price GLOB '*[0-9]' AND substr(peak_price, 2) NOT GLOB '*-*' AND peak_price NOT GLOB '*.*.*' AND (peak_price GLOB '[1-9]*' OR peak_price GLOB '-[1-9]*' OR peak_price = '0' OR peak_price GLOB '0.*' OR (peak_price GLOB '-0.*' AND peak_price GLOB '*[1-9]*'))),
	CONSTRAINT ck_positions_trough_price_exact CHECK (trough_price NOT GLOB '*[^-.0-9]*' AND trough_price GLOB '*[0-9]' AND substr(trough_price, 2) NOT GLOB '*-*' AND trough_price NOT GLOB '*.*.*' AND (trough_price GLOB '[1-9]*' OR trough_price GLOB '-[1-9]*' OR trough_price = '0' OR trough_price GLOB '0.*' OR (trough_price GLOB '-0.*' AND trough_price GLOB '*[1-9]*'))),
	CONSTRAINT ck_positions_opened_at_utc_us CHECK (opened_at > 1600000000000000),
	CONSTRAINT ck_positions_closed_at_utc_us CHECK (closed_at > 1600000000000000)
)
 STRICT;

CREATE TABLE postings (
	transaction_id TEXT NOT NULL,
	leg INTEGER NOT NULL,
	seq INTEGER NOT NULL,
	reason TEXT NOT NULL,
	account TEXT NOT NULL,
	ccy TEXT NOT NULL,
	amount TEXT NOT NULL,
	position_id TEXT,
	inst_id TEXT,
	source_kind TEXT NOT NULL,
	source_id TEXT NOT NULL,
	bill_id TEXT,
	posted_at INTEGER NOT NULL,
	CONSTRAINT pk_postings PRIMARY KEY (transaction_id, leg),
	CONSTRAINT fk_postings_seq FOREIGN KEY(seq) REFERENCES journal (seq),
	CONSTRAINT ck_postings_amount_exact CHECK (amount NOT GLOB '*[^-.0-9]*' AND amount GLOB '*[0-9]' AND substr(amount, 2) NOT GLOB '*-*' AND amount NOT GLOB '*.*.*' AND (amount GLOB '[1-9]*' OR amount GLOB '-[1-9]*' OR amount = '0' OR amount GLOB '0.*' OR (amount GLOB '-0.*' AND amount GLOB '*[1-9]*'))),
	CONSTRAINT ck_postings_posted_at_utc_us CHECK (posted_at > 1600000000000000)
)
 STRICT;

CREATE TABLE protections (
	protection_id TEXT NOT NULL,
	seq INTEGER NOT NULL,
	last_seq INTEGER NOT NULL,
	position_id TEXT NOT NULL,
	inst_id TEXT NOT NULL,
	kind TEXT NOT NULL,
	algo_id TEXT,
	trigger_price TEXT,
	trigger_type TEXT NOT NULL,
	callback_ratio TEXT,
	active_price TEXT,
	trail_state TEXT,
	state TEXT NOT NULL,
	placed_at INTEGER NOT NULL,
	confirmed_at INTEGER,
	ended_at INTEGER,
	failure TEXT,
	CONSTRAINT pk_protections PRIMARY KEY (protection_id),
	CONSTRAINT fk_protections_seq FOREIGN KEY(seq) REFERENCES journal (seq),
	CONSTRAINT fk_protections_last_seq FOREIGN KEY(last_seq) REFERENCES journal (seq),
	CONSTRAINT ck_protections_trigger_price_exact CHECK (trigger_price NOT GLOB '*[^-.0-9]*' AND trigger_price GLOB '*[0-9]' AND substr(trigger_price, 2) NOT GLOB '*-*' AND trigger_price NOT GLOB '*.*.*' AND (trigger_price GLOB '[1-9]*' OR trigger_price GLOB '-[1-9]*' OR trigger_price = '0' OR trigger_price GLOB '0.*' OR (trigger_price GLOB '-0.*' AND trigger_price GLOB '*[1-9]*'))),
	CONSTRAINT ck_protections_callback_ratio_exact CHECK (callback_ratio NOT GLOB '*[^-.0-9]*' AND callback_ratio GLOB '*[0-9]' AND substr(callback_ratio, 2) NOT GLOB '*-*' AND callback_ratio NOT GLOB '*.*.*' AND (callback_ratio GLOB '[1-9]*' OR callback_ratio GLOB '-[1-9]*' OR callback_ratio = '0' OR callback_ratio GLOB '0.*' OR (callback_ratio GLOB '-0.*' AND callback_ratio GLOB '*[1-9]*'))),
	CONSTRAINT ck_protections_active_price_exact CHECK (active_price NOT GLOB '*[^-.0-9]*' AND active_price GLOB '*[0-9]' AND substr(active_price, 2) NOT GLOB '*-*' AND active_price NOT GLOB '*.*.*' AND (active_price GLOB '[1-9]*' OR active_price GLOB '-[1-9]*' OR active_price = '0' OR active_price GLOB '0.*' OR (active_price GLOB '-0.*' AND active_price GLOB '*[1-9]*'))),
	CONSTRAINT ck_protections_placed_at_utc_us CHECK (placed_at > 1600000000000000),
	CONSTRAINT ck_protections_confirmed_at_utc_us CHECK (confirmed_at > 1600000000000000),
	CONSTRAINT ck_protections_ended_at_utc_us CHECK (ended_at > 1600000000000000)
)
 STRICT;

CREATE TABLE session_figures (
	session_id TEXT NOT NULL,
	seq INTEGER NOT NULL,
	last_seq INTEGER NOT NULL,
	decisions INTEGER NOT NULL,
	entries INTEGER NOT NULL,
	partial_takes INTEGER NOT NULL,
	trades INTEGER NOT NULL,
	wins INTEGER NOT NULL,
	maker_fills INTEGER NOT NULL,
	taker_fills INTEGER NOT NULL,
	drifts INTEGER NOT NULL,
	gross TEXT NOT NULL,
	fees TEXT NOT NULL,
	funding TEXT NOT NULL,
	net TEXT NOT NULL,
	maker_fees TEXT NOT NULL,
	taker_fees TEXT NOT NULL,
	maker_value TEXT NOT NULL,
	taker_value TEXT NOT NULL,
	CONSTRAINT pk_session_figures PRIMARY KEY (session_id),
	CONSTRAINT fk_session_figures_seq FOREIGN KEY(seq) REFERENCES journal (seq),
	CONSTRAINT fk_session_figures_last_seq FOREIGN KEY(last_seq) REFERENCES journal (seq),
	CONSTRAINT ck_session_figures_gross_exact CHECK (gross NOT GLOB '*[^-.0-9]*' AND gross GLOB '*[0-9]' AND substr(gross, 2) NOT GLOB '*-*' AND gross NOT GLOB '*.*.*' AND (gross GLOB '[1-9]*' OR gross GLOB '-[1-9]*' OR gross = '0' OR gross GLOB '0.*' OR (gross GLOB '-0.*' AND gross GLOB '*[1-9]*'))),
	CONSTRAINT ck_session_figures_fees_exact CHECK (fees NOT GLOB '*[^-.0-9]*' AND fees GLOB '*[0-9]' AND substr(fees, 2) NOT GLOB '*-*' AND fees NOT GLOB '*.*.*' AND (fees GLOB '[1-9]*' OR fees GLOB '-[1-9]*' OR fees = '0' OR fees GLOB '0.*' OR (fees GLOB '-0.*' AND fees GLOB '*[1-9]*'))),
	CONSTRAINT ck_session_figures_funding_exact CHECK (funding NOT GLOB '*[^-.0-9]*' AND funding GLOB '*[0-9]' AND substr(funding, 2) NOT GLOB '*-*' AND funding NOT GLOB '*.*.*' AND (funding GLOB '[1-9]*' OR funding GLOB '-[1-9]*' OR funding = '0' OR funding GLOB '0.*' OR (funding GLOB '-0.*' AND funding GLOB '*[1-9]*'))),
	CONSTRAINT ck_session_figures_net_exact CHECK (net NOT GLOB '*[^-.0-9]*' AND net GLOB '*[0-9]' AND substr(net, 2) NOT GLOB '*-*' AND net NOT GLOB '*.*.*' AND (net GLOB '[1-9]*' OR net GLOB '-[1-9]*' OR net = '0' OR net GLOB '0.*' OR (net GLOB '-0.*' AND net GLOB '*[1-9]*'))),
	CONSTRAINT ck_session_figures_maker_fees_exact CHECK (maker_fees NOT GLOB '*[^-.0-9]*' AND maker_fees GLOB '*[0-9]' AND substr(maker_fees, 2) NOT GLOB '*-*' AND maker_fees NOT GLOB '*.*.*' AND (maker_fees GLOB '[1-9]*' OR maker_fees GLOB '-[1-9]*' OR maker_fees = '0' OR maker_fees GLOB '0.*' OR (maker_fees GLOB '-0.*' AND maker_fees GLOB '*[1-9]*'))),
	CONSTRAINT ck_session_figures_taker_fees_exact CHECK (taker_fees NOT GLOB '*[^-.0-9]*' AND taker_fees GLOB '*[0-9]' AND substr(taker_fees, 2) NOT GLOB '*-*' AND taker_fees NOT GLOB '*.*.*' AND (taker_fees GLOB '[1-9]*' OR taker_fees GLOB '-[1-9]*' OR taker_fees = '0' OR taker_fees GLOB '0.*' OR (taker_fees GLOB '-0.*' AND taker_fees GLOB '*[1-9]*'))),
	CONSTRAINT ck_session_figures_maker_value_exact CHECK (maker_value NOT GLOB '*[^-.0-9]*' AND maker_value GLOB '*[0-9]' AND substr(maker_value, 2) NOT GLOB '*-*' AND maker_value NOT GLOB '*.*.*' AND (maker_value GLOB '[1-9]*' OR maker_value GLOB '-[1-9]*' OR maker_value = '0' OR maker_value GLOB '0.*' OR (maker_value GLOB '-0.*' AND maker_value GLOB '*[1-9]*'))),
	CONSTRAINT ck_session_figures_taker_value_exact CHECK (taker_value NOT GLOB '*[^-.0-9]*' AND taker_value GLOB '*[0-9]' AND substr(taker_value, 2) NOT GLOB '*-*' AND taker_value NOT GLOB '*.*.*' AND (taker_value GLOB '[1-9]*' OR taker_value GLOB '-[1-9]*' OR taker_value = '0' OR taker_value GLOB '0.*' OR (taker_value GLOB '-0.*' AND taker_value GLOB '*[1-9]*')))
)
 STRICT;

CREATE TABLE sessions (
	session_id TEXT NOT NULL,
	seq INTEGER NOT NULL,
	last_seq INTEGER NOT NULL,
	env TEXT NOT NULL,
	account TEXT NOT NULL,
	started_at INTEGER NOT NULL,
	ended_at INTEGER,
	end_kind TEXT,
	end_reason TEXT,
	config_digest TEXT NOT NULL,
	config TEXT NOT NULL,
	code_version TEXT NOT NULL,
	code_digest TEXT NOT NULL,
	seed INTEGER,
	world TEXT,
	tape TEXT,
	CONSTRAINT pk_sessions PRIMARY KEY (session_id),
	CONSTRAINT fk_sessions_seq FOREIGN KEY(seq) REFERENCES journal (seq),
	CONSTRAINT fk_sessions_last_seq FOREIGN KEY(last_seq) REFERENCES journal (seq),
	CONSTRAINT ck_sessions_started_at_utc_us CHECK (started_at > 1600000000000000),
	CONSTRAINT ck_sessions_ended_at_utc_us CHECK (ended_at > 1600000000000000)
)
 STRICT;

CREATE INDEX ix_closures_session_id ON closures (session_id);

CREATE INDEX ix_connection_events_session_id ON connection_events (session_id);

CREATE INDEX ix_decisions_position_id ON decisions (position_id);

CREATE INDEX ix_decisions_session_id ON decisions (session_id);

CREATE INDEX ix_entries_position_id ON entries (position_id);

CREATE INDEX ix_fills_client_id ON fills (client_id);

CREATE INDEX ix_fills_position_id ON fills (position_id);

CREATE INDEX ix_heartbeats_session_id ON heartbeats (session_id);

CREATE INDEX ix_leverage_choices_position_id ON leverage_choices (position_id);

CREATE INDEX ix_margin_checks_position_id ON margin_checks (position_id);

CREATE INDEX ix_orders_order_id ON orders (order_id);

CREATE INDEX ix_orders_position_id ON orders (position_id);

CREATE INDEX ix_orders_session_id ON orders (session_id);

CREATE INDEX ix_partial_takes_position_id ON partial_takes (position_id);

CREATE INDEX ix_positions_session_id ON positions (session_id);

CREATE INDEX ix_postings_account ON postings (account);

CREATE INDEX ix_postings_position_id ON postings (position_id);

CREATE INDEX ix_protections_position_id ON protections (position_id);

CREATE TRIGGER journal_no_update BEFORE UPDATE ON journal BEGIN SELECT RAISE(ABORT, 'journal is append-only'); END;

CREATE TRIGGER journal_no_delete BEFORE DELETE ON journal BEGIN SELECT RAISE(ABORT, 'journal is append-only'); END;

CREATE TRIGGER fills_no_update BEFORE UPDATE ON fills BEGIN SELECT RAISE(ABORT, 'fills is append-only'); END;

CREATE TRIGGER fills_no_delete BEFORE DELETE ON fills BEGIN SELECT RAISE(ABORT, 'fills is append-only'); END;

CREATE TRIGGER postings_no_update BEFORE UPDATE ON postings BEGIN SELECT RAISE(ABORT, 'postings is append-only'); END;

CREATE TRIGGER postings_no_delete BEFORE DELETE ON postings BEGIN SELECT RAISE(ABORT, 'postings is append-only'); END;

CREATE TRIGGER leases_no_update BEFORE UPDATE ON leases BEGIN SELECT RAISE(ABORT, 'leases is append-only'); END;

CREATE TRIGGER leases_no_delete BEFORE DELETE ON leases BEGIN SELECT RAISE(ABORT, 'leases is append-only'); END;

CREATE TRIGGER entries_no_update BEFORE UPDATE ON entries BEGIN SELECT RAISE(ABORT, 'entries is append-only'); END;

CREATE TRIGGER entries_no_delete BEFORE DELETE ON entries BEGIN SELECT RAISE(ABORT, 'entries is append-only'); END;

CREATE TRIGGER partial_takes_no_update BEFORE UPDATE ON partial_takes BEGIN SELECT RAISE(ABORT, 'partial_takes is append-only'); END;

CREATE TRIGGER partial_takes_no_delete BEFORE DELETE ON partial_takes BEGIN SELECT RAISE(ABORT, 'partial_takes is append-only'); END;

CREATE TRIGGER closures_no_update BEFORE UPDATE ON closures BEGIN SELECT RAISE(ABORT, 'closures is append-only'); END;

CREATE TRIGGER closures_no_delete BEFORE DELETE ON closures BEGIN SELECT RAISE(ABORT, 'closures is append-only'); END;

CREATE TRIGGER journal_chain BEFORE INSERT ON journal WHEN (NEW.seq - 1, NEW.prev) IS NOT (SELECT seq, hash FROM journal ORDER BY seq DESC LIMIT 1) AND NOT (NEW.seq = 1 AND NEW.prev IS (SELECT v FROM meta WHERE k = 'genesis') AND NOT EXISTS (SELECT 1 FROM journal)) BEGIN SELECT RAISE(ABORT, 'journal: a row has the next number and the hash of the row before it'); END;

CREATE TRIGGER fills_no_replace BEFORE INSERT ON fills WHEN EXISTS (SELECT 1 FROM fills WHERE inst_id = NEW.inst_id AND trade_id = NEW.trade_id AND order_id = NEW.order_id) BEGIN SELECT RAISE(ABORT, 'fills is append-only'); END;

CREATE TRIGGER postings_no_replace BEFORE INSERT ON postings WHEN EXISTS (SELECT 1 FROM postings WHERE transaction_id = NEW.transaction_id AND leg = NEW.leg) BEGIN SELECT RAISE(ABORT, 'postings is append-only'); END;

CREATE TRIGGER entries_no_replace BEFORE INSERT ON entries WHEN EXISTS (SELECT 1 FROM entries WHERE entry_id = NEW.entry_id) BEGIN SELECT RAISE(ABORT, 'entries is append-only'); END;

CREATE TRIGGER partial_takes_no_replace BEFORE INSERT ON partial_takes WHEN EXISTS (SELECT 1 FROM partial_takes WHERE partial_id = NEW.partial_id) BEGIN SELECT RAISE(ABORT, 'partial_takes is append-only'); END;

CREATE TRIGGER closures_no_replace BEFORE INSERT ON closures WHEN EXISTS (SELECT 1 FROM closures WHERE position_id = NEW.position_id) BEGIN SELECT RAISE(ABORT, 'closures is append-only'); END;

CREATE TRIGGER leases_fence BEFORE INSERT ON leases WHEN NEW.fence IS NOT (SELECT coalesce(max(fence), 0) + 1 FROM leases) BEGIN SELECT RAISE(ABORT, 'leases: the fence only grows'); END;

CREATE VIEW fills_plain AS SELECT t.*, CAST(price AS REAL) AS price_real, CAST(contracts AS REAL) AS contracts_real, CAST(coins AS REAL) AS coins_real, CAST(fee AS REAL) AS fee_real, CAST(exchange_pnl AS REAL) AS exchange_pnl_real, CAST(slippage AS REAL) AS slippage_real FROM fills t;

CREATE VIEW closures_plain AS SELECT t.*, CAST(contracts AS REAL) AS contracts_real, CAST(entry_price AS REAL) AS entry_price_real, CAST(exit_price AS REAL) AS exit_price_real, CAST(gross AS REAL) AS gross_real, CAST(fees AS REAL) AS fees_real, CAST(funding AS REAL) AS funding_real, CAST(net AS REAL) AS net_real FROM closures t;

CREATE VIEW postings_plain AS SELECT t.*, CAST(amount AS REAL) AS amount_real FROM postings t;

CREATE VIEW bills_plain AS SELECT t.*, CAST(balance_change AS REAL) AS balance_change_real, CAST(balance AS REAL) AS balance_real FROM bills t;

CREATE VIEW trades AS
SELECT p.position_id, coalesce(c.session_id, p.session_id) AS session_id,
       p.inst_id AS instrument, p.side, p.opened_at, p.closed_at,
       coalesce(c.contracts, p.contracts) AS contracts, coalesce(c.entry_price, p.entry_price) AS entry_price,
       c.exit_price, c.gross, c.fees, c.funding, c.net,
       CASE c.cause WHEN 'unknown' THEN coalesce((SELECT d.cause FROM drifts d WHERE d.position_id = c.position_id
         AND d.kind = 'vanished' AND d.resolved_at IS NOT NULL ORDER BY d.last_seq DESC LIMIT 1), c.cause)
         ELSE c.cause END AS cause,
       p.origin, coalesce(c.leverage, p.leverage) AS leverage,
       coalesce(c.regime, (SELECT e.regime FROM entries e WHERE e.position_id = p.position_id ORDER BY e.seq LIMIT 1))
         AS regime,
       c.maker_share, c.mae, c.mfe, p.seq AS opened_seq, c.seq AS closed_seq
FROM positions p LEFT JOIN closures c ON c.position_id = p.position_id;

CREATE VIEW session_results AS
SELECT s.session_id, s.env, s.account, s.started_at, s.ended_at, s.end_kind, s.seed, s.code_version, s.world, s.seq,
       f.trades, f.wins, f.entries, f.partial_takes, f.gross, f.fees, f.funding, f.net, f.maker_fills, f.taker_fills,
       CASE WHEN f.maker_fills + f.taker_fills > 0
         THEN round(1.0 * f.maker_fills / (f.maker_fills + f.taker_fills), 4) END AS maker_share,
       f.maker_fees, f.taker_fees, f.maker_value, f.taker_value, f.decisions, f.drifts, f.last_seq
FROM sessions s JOIN session_figures f ON f.session_id = s.session_id;

