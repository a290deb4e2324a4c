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

CREATE VIEW session_results AS
SELECT s.session_id, s.env, s.account, s.started_at, s.ended_at, s.end_kind, s.seed, s.code_version, s.world, s.seq,
       f.trades, f.wins, f.entries, f.partial_takes, f.gross, f.fees, f.funding, f.net, f.maker_fills, f.taker_fills,
       CASE WHEN f.maker_fills + f.taker_fills > 0
         THEN round(1.0 * f.maker_fills / (f.maker_fills + f.taker_fills), 4) END AS maker_share,
       f.maker_fees, f.taker_fees, f.maker_value, f.taker_value, f.decisions, f.drifts, f.last_seq
FROM sessions s JOIN session_figures f ON f.session_id = s.session_id;

