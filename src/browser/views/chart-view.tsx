import { Chart } from '../chart/chart.js';
import { graphOf } from '../chart/graph.js';
import { StateMark } from '../parts/state.js';
import { type State, useSwarm } from '../swarm.js';
import { useWide } from '../use-wide.js';
import { chooseState } from './swarm-view.js';

/** The job machine with how many jobs are in each state, and their moves as they happen. */
export function ChartView() {
  const { opening, counts, moves } = useSwarm();
  const wide = useWide();
  if (opening === null) return null;
  return (
    <div class="chart-view">
      <h1>The life of a job</h1>
      <p class="lead">
        Drawn from the machine that runs the jobs. A state that holds jobs is lit; a transition flashes when a
        job takes it. Choose a state to see its jobs.
      </p>
      <Chart
        definition={opening.definition}
        across={wide}
        counts={counts}
        moves={moves}
        onChoose={chooseState}
      />
      <dl class="meanings">
        {graphOf(opening.definition)
          .nodes.filter(({ block }) => !block)
          .map(({ name, description }) => (
            <div key={name}>
              <dt>
                <StateMark state={name as State} />
              </dt>
              <dd>{description}</dd>
            </div>
          ))}
      </dl>
    </div>
  );
}
