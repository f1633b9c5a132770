-- Containers come and go by the thousand: what holds now is found without reading what is gone, and so is what happened to one.

CREATE INDEX fact_standing ON fact (kind, host_id, id) WHERE doc IS NOT NULL;
CREATE INDEX event_container ON event (host_id, (data ->> 'container'), at DESC, id DESC) WHERE data ? 'container';
