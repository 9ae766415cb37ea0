// The routes: which screen an address shows, and what of the address it is given.
import {
  createRootRoute,
  createRoute,
  createRouter,
  Navigate,
  useNavigate,
  useParams,
} from "@tanstack/react-router";
import { FlowDetail } from "@/features/flow/FlowDetail";
import { FlowsScreen } from "@/features/flows/FlowsScreen";
import { HealthScreen } from "@/features/health/HealthScreen";
import { SearchScreen } from "@/features/search/SearchScreen";
import { SetupScreen } from "@/features/setup/SetupScreen";
import { Shell } from "@/shell/Shell";
import { Notice } from "@/ui/Notice";
import {
  type FlowsSearch,
  filterOf,
  flowHref,
  parseSearch,
  paths,
  readFlowsSearch,
  readQuery,
  writeSearch,
} from "./paths";

const root = createRootRoute({
  component: Shell,
  notFoundComponent: () => (
    <Notice title="There is no such page">
      <p>The address may be from another version of Langley.</p>
    </Notice>
  ),
});

const home = createRoute({
  getParentRoute: () => root,
  path: paths.home,
  component: () => <Navigate to={paths.flows} replace />,
});

const flows = createRoute({
  getParentRoute: () => root,
  path: paths.flows,
  validateSearch: readFlowsSearch,
  component: Flows,
});

const flow = createRoute({
  getParentRoute: () => flows,
  path: "$id",
  component: () => null,
});

const search = createRoute({
  getParentRoute: () => root,
  path: paths.search,
  validateSearch: (search: Record<string, unknown>): { q?: string } => readQuery(search),
  component: Search,
});

const health = createRoute({
  getParentRoute: () => root,
  path: paths.health,
  component: () => <HealthScreen flowHref={(id) => flowHref(id, {})} />,
});

const setup = createRoute({
  getParentRoute: () => root,
  path: paths.setup,
  component: () => <SetupScreen />,
});

const auth = createRoute({
  getParentRoute: () => root,
  path: paths.auth,
  component: () => null,
});

function Search() {
  const { q = "" } = search.useSearch();
  const navigate = useNavigate();
  const ask = (next: string) =>
    void navigate({ to: paths.search, search: readQuery({ q: next }), replace: true });
  return <SearchScreen query={q} onQuery={ask} flowHref={(id) => flowHref(id, {})} />;
}

/** The list and, beside it, the flow that the address names. */
function Flows() {
  const search = flows.useSearch();
  const { id } = useParams({ strict: false });
  const navigate = useNavigate();
  const filter = filterOf(search);
  const open = (flow: string, replace: boolean) => {
    void navigate({ to: paths.flow, params: { id: flow }, search, replace });
  };
  const close = () => void navigate({ to: paths.flows, search });
  const look = (next: Partial<FlowsSearch>) => {
    if (id === undefined) return;
    void navigate({
      to: paths.flow,
      params: { id },
      search: readFlowsSearch({ ...search, ...next }),
      replace: true,
    });
  };
  const setFilter = (next: FlowsSearch) => {
    const view = readFlowsSearch({
      tab: search.tab,
      side: search.side,
      type: search.type,
      ...next,
    });
    if (id === undefined) void navigate({ to: paths.flows, search: view, replace: true });
    else void navigate({ to: paths.flow, params: { id }, search: view, replace: true });
  };
  return (
    <FlowsScreen
      filter={filter}
      onFilter={setFilter}
      selected={id}
      hrefOf={(flow) => flowHref(flow, search)}
      onOpen={open}
      onClose={close}
      firstRun={<SetupScreen />}
      detail={
        id === undefined ? null : (
          <FlowDetail
            key={id}
            id={id}
            tab={search.tab ?? "conversation"}
            side={search.side ?? "request"}
            type={search.type}
            hrefOf={(next) => flowHref(id, readFlowsSearch({ ...search, ...next }))}
            onLook={look}
            onClose={close}
            onFilter={(key, value) => setFilter({ [key]: value })}
          />
        )
      }
    />
  );
}

export const router = createRouter({
  routeTree: root.addChildren([home, flows.addChildren([flow]), search, health, setup, auth]),
  parseSearch,
  stringifySearch: writeSearch,
  defaultPreload: false,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
